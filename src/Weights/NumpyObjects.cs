namespace CsUnet.Weights;

/// <summary>What numpy's functions in a pickle stand for.</summary>
internal static class NumpyObjects
{
    public static object? Call(string name, PickleTuple arguments)
    {
        switch (name)
        {
            case "dtype" when arguments.Count > 0 && arguments[0] is string code:
                return new NumpyType(code);
            case "scalar" when arguments.Count > 1 && arguments[0] is NumpyType type:
                return arguments[1] is byte[] bytes ? Number(type, bytes) : arguments[1];
            case "_reconstruct" or "ndarray":
                return new NumpyArray();
            // Protocol 5: (bytes, type, shape, order).
            case "_frombuffer" when arguments.Count > 3 && arguments[0] is byte[] && arguments[1] is NumpyType
                && arguments[2] is PickleTuple:
                return new NumpyArray();
            default:
                throw new PickleException($"the pickle is damaged: numpy.{name} has other arguments than numpy writes");
        }
    }

    private static object? Number(NumpyType type, byte[] bytes)
    {
        if (type.DType is not { } dtype || bytes.Length != ElementTypes.Size(dtype))
            return null;
        if (type.IsBigEndian)
            Array.Reverse(bytes = [.. bytes]);
        return dtype switch
        {
            "F64" => BitConverter.ToDouble(bytes),
            "F32" => (double)BitConverter.ToSingle(bytes),
            "F16" => (double)BitConverter.ToHalf(bytes),
            "I64" => BitConverter.ToInt64(bytes),
            "U64" => (long)BitConverter.ToUInt64(bytes),
            "I32" => (long)BitConverter.ToInt32(bytes),
            "U32" => (long)BitConverter.ToUInt32(bytes),
            "I16" => (long)BitConverter.ToInt16(bytes),
            "U16" => (long)BitConverter.ToUInt16(bytes),
            "I8" => (long)(sbyte)bytes[0],
            "U8" => (long)bytes[0],
            _ => bytes[0] != 0,
        };
    }
}
