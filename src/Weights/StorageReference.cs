namespace CsUnet.Weights;

/// <summary>A typed storage that a pickle names by its key; its bytes stand elsewhere in the file.</summary>
/// <param name="Key">The key, which names the bytes.</param>
/// <param name="DType">The type of its elements, as safetensors spells it; null for bytes without a type.</param>
/// <param name="Offset">The first element within the storage of that key.</param>
/// <param name="Count">Number of elements; of bytes if there is no type.</param>
internal sealed record StorageReference(string Key, string? DType, long Offset, long Count);
