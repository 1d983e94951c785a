namespace CsUnet.Weights;

/// <summary>A tensor of a pickle: a strided view of a storage.</summary>
/// <param name="Storage">The storage, which several tensors may share.</param>
/// <param name="DType">The type of the elements, as safetensors spells it.</param>
/// <param name="Offset">The first element, counted from the storage's first.</param>
/// <param name="Sizes">Dimensions, outermost first.</param>
/// <param name="Strides">Elements from one index to the next, for each dimension.</param>
internal sealed record StoredTensor(StorageReference Storage, string DType, long Offset, long[] Sizes, long[] Strides)
{
    /// <summary>Number of elements.</summary>
    public long Count => Sizes.Aggregate(1L, (product, size) => product * size);
}
