namespace CsUnet.Tensors;

/// <summary>A tensor to be written to a safetensors file.</summary>
/// <param name="Name">Its name.</param>
/// <param name="DType">The element type as the format spells it: F32, F64, F16, BF16, I64, U8, ...</param>
/// <param name="Shape">Dimensions, outermost first.</param>
/// <param name="Write">Writes the elements, row-major and little-endian: exactly <see cref="Bytes"/> bytes.</param>
public sealed record SafetensorsSource(string Name, string DType, Shape Shape, Action<Stream> Write)
{
    /// <summary>Bytes of an element.</summary>
    /// <exception cref="ArgumentException">The element type is not of the format.</exception>
    public int ElementSize => SafetensorsHeader.ElementSize(DType)
        ?? throw new ArgumentException($"safetensors: element type '{DType}' of tensor '{Name}' is not of the format");

    /// <summary>Size in bytes.</summary>
    public long Bytes => Shape.Count * ElementSize;
}
