namespace CsUnet.Tensors;

/// <summary>One tensor of a safetensors file.</summary>
/// <param name="Name">Its name, for example <c>encoder.norm.weight</c>.</param>
/// <param name="DType">The element type as the file spells it: F32, F64, F16, BF16, I64, U8, ...</param>
/// <param name="Shape">Dimensions, outermost first.</param>
/// <param name="Offset">Position of the first byte in the file.</param>
/// <param name="Bytes">Number of bytes.</param>
public sealed record SafetensorsEntry(string Name, string DType, Shape Shape, long Offset, long Bytes);
