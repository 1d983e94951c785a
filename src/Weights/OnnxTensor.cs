using System.Buffers.Binary;
using CsUnet.Tensors;

namespace CsUnet.Weights;

/// <summary>An initialiser of an ONNX model: raw bytes, a list of numbers, or a part of a file in the model's folder.</summary>
internal sealed class OnnxTensor : WeightTensor
{
    // The numbers of the types in TensorProto.DataType.
    private static readonly Dictionary<long, string> s_types = new()
    {
        [1] = "F32", [2] = "U8", [3] = "I8", [4] = "U16", [5] = "I16", [6] = "I32", [7] = "I64", [9] = "BOOL", [10] = "F16", [11] = "F64",
        [12] = "U32", [13] = "U64", [16] = "BF16",
    };

    private readonly Func<byte[]> _read;

    private OnnxTensor(string file, string name, string dtype, Shape shape, Func<byte[]> read)
        : base(file, name, dtype, shape) => _read = read;

    public override byte[] ReadBytes() => _read();

    /// <summary>Reads a TensorProto.</summary>
    /// <param name="file">The model's path.</param>
    /// <param name="message">The message.</param>
    /// <param name="start">Where the message begins in the model.</param>
    /// <param name="model">The whole model.</param>
    /// <exception cref="InvalidDataException">The message is damaged.</exception>
    public static OnnxTensor Read(string file, ReadOnlySpan<byte> message, int start, byte[] model)
    {
        var dimensions = new List<long>();
        var external = new Dictionary<string, string>(StringComparer.Ordinal);
        var numbers = new List<byte>();
        string name = "";
        long type = 0;
        bool isExternal = false;
        (int Start, int Length)? raw = null;
        var tensor = new ProtobufReader(message);
        // The type comes before the numbers in every writer; numbers of another type would be read as that type.
        while (tensor.Read())
            switch (tensor.Field)
            {
                case 1: dimensions.AddRange(tensor.Integers()); break;
                case 2: type = (long)tensor.Number; break;
                case 4 or 10 when tensor.HasBytes: numbers.AddRange(tensor.Bytes); break;
                case 4: AddNumber(numbers, 4, (long)tensor.Number); break;
                case 10: AddNumber(numbers, 8, (long)tensor.Number); break;
                case 5 or 7 or 11:
                    if (!s_types.TryGetValue(type, out string? packed))
                        throw new InvalidDataException("a tensor has numbers before its type");
                    foreach (long number in tensor.Integers())
                        AddNumber(numbers, ElementTypes.Size(packed), number);
                    break;
                case 8: name = tensor.Text; break;
                case 9: raw = (start + tensor.Start, tensor.Bytes.Length); break;
                case 13:
                    (string key, string value) = OnnxFile.ReadPair(tensor.Bytes);
                    external[key] = value;
                    break;
                case 14: isExternal = tensor.Number == 1; break;
            }
        if (!s_types.TryGetValue(type, out string? dtype))
            throw new InvalidDataException($"tensor '{name}' has elements of type {type}");
        Shape shape = ShapeOf(name, dimensions);
        long bytes = shape.Count * ElementTypes.Size(dtype);
        if (isExternal)
            return new OnnxTensor(file, name, dtype, shape, External(file, name, external, bytes));
        long present = raw?.Length ?? numbers.Count;
        if (present != bytes)
            throw new InvalidDataException($"tensor '{name}' {shape} has {present} bytes, expected {bytes}");
        byte[] values = raw is null ? [.. numbers] : [];
        return new OnnxTensor(file, name, dtype, shape,
            raw is var (from, length) ? () => model.AsSpan(from, length).ToArray() : () => values);
    }

    private static Shape ShapeOf(string name, List<long> dimensions)
    {
        try
        {
            return new Shape([.. dimensions.Select(size => checked((int)size))]);
        }
        catch (Exception failure) when (failure is OverflowException or ArgumentOutOfRangeException)
        {
            throw new InvalidDataException($"tensor '{name}' is ({string.Join(',', dimensions)})", failure);
        }
    }

    private static void AddNumber(List<byte> bytes, int size, long number)
    {
        Span<byte> all = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(all, number);
        bytes.AddRange(all[..size]);
    }

    private static bool HasLink(string folder, string location)
    {
        string path = folder;
        foreach (string part in location.Split('/', '\\'))
        {
            path = Path.Combine(path, part);
            if (new FileInfo(path).LinkTarget is not null || new DirectoryInfo(path).LinkTarget is not null)
                return true;
        }
        return false;
    }

    private static Func<byte[]> External(string file, string name, Dictionary<string, string> external, long bytes)
    {
        string location = external.GetValueOrDefault("location", "");
        string folder = Path.GetDirectoryName(Path.GetFullPath(file))!;
        string path = Path.GetFullPath(Path.Combine(folder, location));
        // A model that was sent by somebody must not read other files of the user.
        if (location.Length == 0 || Path.IsPathRooted(location) || HasLink(folder, location)
            || !path.StartsWith(folder + Path.DirectorySeparatorChar, StringComparison.Ordinal))
            throw new WeightFileException(file, $"tensor '{name}' stands in '{location}', expected a file in the model's folder",
                "keep the model and its data in one folder, without links");
        long offset = OnnxFile.Number(external.GetValueOrDefault("offset", "0"));
        long length = external.TryGetValue("length", out string? text) ? OnnxFile.Number(text) : bytes;
        if (length != bytes || bytes > Array.MaxLength)
            throw new InvalidDataException($"tensor '{name}' has {length} bytes of external data, expected {bytes}");
        long stored = File.Exists(path) ? new FileInfo(path).Length : -1;
        if (stored < 0 || offset > stored - length)
            throw new WeightFileException(file, $"tensor '{name}' stands in {path}, which "
                + (stored < 0 ? "does not exist" : $"has {stored} bytes, expected {offset + (double)length}"),
                "put the model's data beside it");
        return () => ReadFile.Parse(path, "not the data of the model", () =>
        {
            using FileStream stream = File.OpenRead(path);
            stream.Position = offset;
            var content = new byte[length];
            stream.ReadExactly(content);
            return content;
        }, problem => new WeightFileException(path, problem.Problem, "check that it is complete and can be read", problem.Cause));
    }
}
