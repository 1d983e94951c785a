namespace CsUnet.Weights;

/// <summary>numpy.dtype: the type of a numpy scalar or array.</summary>
internal sealed class NumpyType(string code)
{
    /// <summary>Kind and size, for example <c>f8</c>.</summary>
    public string Code { get; } = code.TrimStart('<', '>', '|', '=');

    /// <summary>Whether the most significant byte comes first.</summary>
    public bool IsBigEndian { get; private set; } = code.StartsWith('>');

    /// <summary>The type, as safetensors spells it; null if it is none of numbers.</summary>
    public string? DType => Code switch
    {
        "f8" => "F64", "f4" => "F32", "f2" => "F16", "i8" => "I64", "i4" => "I32", "i2" => "I16", "i1" => "I8",
        "u8" => "U64", "u4" => "U32", "u2" => "U16", "u1" => "U8", "b1" => "BOOL", _ => null,
    };

    /// <summary>State of numpy: (version, byte order, ...).</summary>
    public void SetState(object? state)
    {
        if (state is PickleTuple { Count: > 1 } parts && parts[1] is string order)
            IsBigEndian = order == ">";
    }
}
