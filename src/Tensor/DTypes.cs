namespace CsUnet.Tensors;

/// <summary>Facts about element types.</summary>
public static class DTypes
{
    /// <summary>Bytes per element.</summary>
    public static int Size(this DType type) => type switch
    {
        DType.Float32 or DType.Int32 => 4,
        DType.Float64 or DType.Int64 => 8,
        DType.BFloat16 => 2,
        DType.UInt8 => 1,
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "unknown element type"),
    };

    /// <summary>Whether tensors of the type can carry gradients.</summary>
    public static bool IsFloat(this DType type) => type is DType.Float32 or DType.Float64 or DType.BFloat16;

    /// <summary>Whether the type is an integer type, as class labels need.</summary>
    public static bool IsInteger(this DType type) => type is DType.UInt8 or DType.Int32 or DType.Int64;

    /// <summary>
    /// The element type of parameters, their gradients, statistics and losses next to activations of a type. For bfloat16 it is float32,
    /// because 8 significant bits would lose the small updates of a parameter; for other types it is the type itself.
    /// </summary>
    public static DType OfParameters(this DType type) => type == DType.BFloat16 ? DType.Float32 : type;

    /// <summary>The name in messages, for example <c>float32</c>.</summary>
    public static string Label(this DType type) => type.ToString().ToLowerInvariant();

    /// <summary>The element type that stores .NET values of type <typeparamref name="T"/>.</summary>
    /// <exception cref="NotSupportedException">No tensor holds such values.</exception>
    public static DType Of<T>() where T : unmanaged =>
        typeof(T) == typeof(float) ? DType.Float32
        : typeof(T) == typeof(double) ? DType.Float64
        : typeof(T) == typeof(long) ? DType.Int64
        : typeof(T) == typeof(int) ? DType.Int32
        : typeof(T) == typeof(byte) ? DType.UInt8
        : typeof(T) == typeof(BFloat16) ? DType.BFloat16
        : throw new NotSupportedException($"tensors hold float, double, long, int, byte or BFloat16, not {typeof(T).Name}");
}
