namespace CsUnet.Weights;

/// <summary>The element types of weight files, by the names of the safetensors format.</summary>
internal static class ElementTypes
{
    private static readonly Dictionary<string, int> s_sizes = new(StringComparer.Ordinal)
    {
        ["F64"] = 8, ["I64"] = 8, ["U64"] = 8, ["F32"] = 4, ["I32"] = 4, ["U32"] = 4, ["F16"] = 2, ["BF16"] = 2, ["I16"] = 2, ["U16"] = 2,
        ["I8"] = 1, ["U8"] = 1, ["BOOL"] = 1, ["C64"] = 8, ["F8_E4M3"] = 1, ["F8_E5M2"] = 1, ["F8_E8M0"] = 1,
    };

    // PyTorch's names: torch.float32 and torch.FloatStorage.
    private static readonly Dictionary<string, string> s_torch = new(StringComparer.Ordinal)
    {
        ["float64"] = "F64", ["double"] = "F64", ["float32"] = "F32", ["float"] = "F32", ["float16"] = "F16", ["half"] = "F16",
        ["bfloat16"] = "BF16", ["int64"] = "I64", ["long"] = "I64", ["int32"] = "I32", ["int"] = "I32", ["int16"] = "I16",
        ["short"] = "I16", ["int8"] = "I8", ["uint8"] = "U8", ["uint16"] = "U16", ["uint32"] = "U32", ["uint64"] = "U64",
        ["bool"] = "BOOL", ["DoubleStorage"] = "F64", ["FloatStorage"] = "F32", ["HalfStorage"] = "F16", ["BFloat16Storage"] = "BF16",
        ["LongStorage"] = "I64", ["IntStorage"] = "I32", ["ShortStorage"] = "I16", ["CharStorage"] = "I8", ["ByteStorage"] = "U8",
        ["BoolStorage"] = "BOOL",
    };

    /// <summary>Bytes of an element.</summary>
    public static int Size(string type) => s_sizes[type];

    /// <summary>The type that PyTorch calls so, for example <c>float16</c> or <c>HalfStorage</c>; null if there is none.</summary>
    public static string? OfTorch(string name) => s_torch.GetValueOrDefault(name);
}
