using CsUnet.Tensors;

namespace CsUnet.Weights;

/// <summary>A tensor of a weight file. Its bytes are read when it is loaded.</summary>
public abstract class WeightTensor
{
    /// <summary>For the formats.</summary>
    /// <param name="file">The file, for messages.</param>
    /// <param name="name">The tensor's name.</param>
    /// <param name="dtype">The element type, as safetensors spells it.</param>
    /// <param name="shape">Dimensions, outermost first.</param>
    private protected WeightTensor(string file, string name, string dtype, Shape shape) =>
        (FilePath, Name, DType, Shape) = (file, name, dtype, shape);

    /// <summary>The name in the file, for example <c>layer1.0.conv1.weight</c>.</summary>
    public string Name { get; }

    /// <summary>The element type as the safetensors format spells it: F32, F64, F16, BF16, I64, I32, I16, I8, U8, BOOL, ...</summary>
    public string DType { get; }

    /// <summary>Dimensions, outermost first.</summary>
    public Shape Shape { get; }

    /// <summary>Number of elements.</summary>
    public long Count => Shape.Count;

    /// <summary>Size in bytes, without gaps.</summary>
    public long Bytes => Count * ElementTypes.Size(DType);

    /// <summary>The file's path.</summary>
    private protected string FilePath { get; }

    /// <summary>Whether the elements are floating-point numbers.</summary>
    public bool IsFloat => DType is "F64" or "F32" or "F16" or "BF16";

    /// <summary>The elements in row-major order without gaps, little-endian.</summary>
    /// <exception cref="WeightFileException">The file has been cut or is damaged.</exception>
    public abstract byte[] ReadBytes();

    /// <summary>Reads the tensor as float32 (from F64, F32, F16, BF16 and every integer type) or float64.</summary>
    /// <param name="type">Float32 or Float64.</param>
    /// <exception cref="WeightFileException">The file has been cut or is damaged.</exception>
    /// <exception cref="ArgumentException">The type is no floating-point type of the CPU.</exception>
    public Tensor Load(DType type = Tensors.DType.Float32)
    {
        if (type is not (Tensors.DType.Float32 or Tensors.DType.Float64))
            throw new ArgumentException($"WeightTensor.Load: type {type}; expected Float32 or Float64", nameof(type));
        if (DType is "C64" || DType.StartsWith("F8", StringComparison.Ordinal))
            throw new WeightFileException(FilePath, $"tensor '{Name}' has elements of type {DType}",
                "convert it to a float or integer type");
        byte[] bytes = ReadBytes();
        Tensor tensor = Tensor.Empty(Shape, type);
        if (type == Tensors.DType.Float32)
        {
            Span<float> target = tensor.AsSpan<float>();
            for (int i = 0; i < target.Length; i++)
                target[i] = (float)Element(bytes, i);
        }
        else
        {
            Span<double> target = tensor.AsSpan<double>();
            for (int i = 0; i < target.Length; i++)
                target[i] = Element(bytes, i);
        }
        return tensor;
    }

    private double Element(byte[] bytes, int i) => DType switch
    {
        "F64" => BitConverter.ToDouble(bytes, i * 8),
        "F32" => BitConverter.ToSingle(bytes, i * 4),
        "F16" => (double)BitConverter.ToHalf(bytes, i * 2),
        "BF16" => BitConverter.UInt32BitsToSingle((uint)BitConverter.ToUInt16(bytes, i * 2) << 16),
        "I64" => BitConverter.ToInt64(bytes, i * 8),
        "U64" => BitConverter.ToUInt64(bytes, i * 8),
        "I32" => BitConverter.ToInt32(bytes, i * 4),
        "U32" => BitConverter.ToUInt32(bytes, i * 4),
        "I16" => BitConverter.ToInt16(bytes, i * 2),
        "U16" => BitConverter.ToUInt16(bytes, i * 2),
        "I8" => (sbyte)bytes[i],
        _ => bytes[i],
    };

    /// <summary>For example <c>conv1.weight F32 (64,3,7,7)</c>.</summary>
    public override string ToString() => $"{Name} {DType} {Shape}";
}
