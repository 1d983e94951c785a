using CsUnet.Tensors;

namespace CsUnet.Weights;

/// <summary>A tensor of a PyTorch file, whose elements are taken from a storage by its strides.</summary>
/// <param name="file">The file's path.</param>
/// <param name="name">The tensor's name.</param>
/// <param name="tensor">Type, sizes and strides.</param>
/// <param name="readStorage">Reads the bytes of elements first to last of a storage.</param>
internal sealed class StridedTensor(string file, string name, StoredTensor tensor, StridedTensor.Read readStorage)
    : WeightTensor(file, name, tensor.DType, new Shape([.. tensor.Sizes.Select(size => (int)size)]))
{
    /// <summary>Reads <paramref name="count"/> elements of a storage from element <paramref name="first"/> on.</summary>
    public delegate byte[] Read(StorageReference storage, int size, long first, long count);

    public override byte[] ReadBytes()
    {
        int size = ElementTypes.Size(DType);
        if (Bytes > Array.MaxLength)
            throw new WeightFileException(FilePath, $"tensor '{Name}' has {Bytes} bytes", "split it: a tensor may have 2 GiB");
        if (Count == 0)
            return [];
        long extent = 1;
        for (int i = 0; i < tensor.Sizes.Length; i++)
            extent += (tensor.Sizes[i] - 1) * tensor.Strides[i];
        byte[] source = readStorage(tensor.Storage, size, tensor.Offset, extent);
        if (IsContiguous())
            return source;
        var target = new byte[Bytes];
        long[] index = new long[tensor.Sizes.Length];
        // target[i] = source[sum over d of index[d] * stride[d]], with the last index running fastest
        for (long i = 0, from = 0; i < Count; i++)
        {
            source.AsSpan((int)(from * size), size).CopyTo(target.AsSpan((int)(i * size)));
            for (int d = index.Length - 1; d >= 0; d--)
            {
                from += tensor.Strides[d];
                if (++index[d] < tensor.Sizes[d])
                    break;
                from -= tensor.Strides[d] * tensor.Sizes[d];
                index[d] = 0;
            }
        }
        return target;
    }

    private bool IsContiguous()
    {
        long expected = 1;
        for (int d = tensor.Sizes.Length - 1; d >= 0; d--)
        {
            if (tensor.Sizes[d] != 1 && tensor.Strides[d] != expected)
                return false;
            expected *= tensor.Sizes[d];
        }
        return true;
    }
}
