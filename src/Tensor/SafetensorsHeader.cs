using System.Text.Json;
using Microsoft.Win32.SafeHandles;

namespace CsUnet.Tensors;

/// <summary>The JSON header of a safetensors file. Reading makes every check that the format allows.</summary>
internal sealed class SafetensorsHeader
{
    // The limit of the format's reference implementation. A larger length is garbage, and without a limit any file could make us allocate
    // as much.
    private const long LargestHeader = 100_000_000;

    private const string MetadataKey = "__metadata__";

    private readonly string _path;
    private readonly Dictionary<string, string> _metadata = new(StringComparer.Ordinal);
    private readonly List<SafetensorsEntry> _entries = [];

    private SafetensorsHeader(string path) => _path = path;

    public IReadOnlyDictionary<string, string> Metadata => _metadata;

    public IReadOnlyList<SafetensorsEntry> Entries => _entries;

    public static SafetensorsHeader Parse(string path, SafeFileHandle handle)
    {
        var header = new SafetensorsHeader(path);
        long fileLength = RandomAccess.GetLength(handle);
        Span<byte> prefix = stackalloc byte[8];
        if (fileLength < prefix.Length || !Fill(handle, prefix, 0))
            throw header.Broken($"it has {ProblemText.Count(fileLength, "byte")}, a safetensors file has at least 8");
        ulong length = BitConverter.ToUInt64(prefix);
        if (length > LargestHeader)
            throw header.Broken($"its first 8 bytes give a header of {length} bytes, expected at most {LargestHeader}",
                "it is not a safetensors file; convert it, or choose another");
        if ((long)length > fileLength - 8)
            throw header.Broken($"its header should have {length} bytes, but only {fileLength - 8} follow");
        var json = new byte[length];
        if (!Fill(handle, json, 8))
            throw header.Broken("it became shorter while it was read");
        header.ParseJson(json, dataStart: 8 + (long)length, dataLength: fileLength - 8 - (long)length);
        return header;
    }

    private static bool Fill(SafeFileHandle handle, Span<byte> target, long position)
    {
        while (!target.IsEmpty)
        {
            int count = RandomAccess.Read(handle, target, position);
            if (count == 0)
                return false;
            target = target[count..];
            position += count;
        }
        return true;
    }

    private WeightFileException Broken(string problem, string remedy = "the file is damaged or incomplete; get it again",
        Exception? cause = null) =>
        new(_path, problem, remedy, cause);

    private void ParseJson(byte[] json, long dataStart, long dataLength)
    {
        JsonDocument document = ReadFile.Parse(
            _path, "its header is not JSON", () => JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = 8 }),
            problem => Broken(problem.Problem, "it is not a safetensors file, or it is damaged", problem.Cause));
        using (document)
        {
            if (document.RootElement.ValueKind != JsonValueKind.Object)
                throw Broken($"its header is a JSON {document.RootElement.ValueKind}, expected an object");
            var names = new HashSet<string>(StringComparer.Ordinal);
            foreach (JsonProperty property in document.RootElement.EnumerateObject())
            {
                string name = Text(() => property.Name);
                if (!names.Add(name))
                    throw Broken($"its header has two entries '{name}', expected one");
                if (name == MetadataKey)
                    ReadMetadata(property.Value);
                else
                    _entries.Add(ReadEntry(name, property.Value, dataStart, dataLength));
            }
        }
        _entries.Sort((a, b) => (a.Offset, a.Bytes).CompareTo((b.Offset, b.Bytes)));
        CheckLayout(dataStart, dataLength);
    }

    /// <summary>Reads a name or string value. Escapes that are not valid Unicode cause an error only when the text is read.</summary>
    private string Text(Func<string?> read)
    {
        try
        {
            return read()!;
        }
        catch (InvalidOperationException error)
        {
            throw Broken("its header has text that is not valid Unicode", cause: error);
        }
    }

    private void ReadMetadata(JsonElement element)
    {
        if (element.ValueKind != JsonValueKind.Object)
            throw Broken($"{MetadataKey} is a JSON {element.ValueKind}, expected an object of strings");
        foreach (JsonProperty property in element.EnumerateObject())
        {
            string key = Text(() => property.Name);
            if (property.Value.ValueKind != JsonValueKind.String)
                throw Broken($"{MetadataKey} entry '{key}' is a JSON {property.Value.ValueKind}, expected a string");
            if (!_metadata.TryAdd(key, Text(property.Value.GetString)))
                throw Broken($"{MetadataKey} has two entries '{key}', expected one");
        }
    }

    private SafetensorsEntry ReadEntry(string name, JsonElement element, long dataStart, long dataLength)
    {
        if (element.ValueKind != JsonValueKind.Object)
            throw Broken($"entry '{name}' is a JSON {element.ValueKind}, expected an object");
        string? type = null;
        long[]? dimensions = null, range = null;
        foreach (JsonProperty property in element.EnumerateObject())
        {
            string field = Text(() => property.Name);
            bool isRepeated = field switch
            {
                "dtype" => type is not null,
                "shape" => dimensions is not null,
                "data_offsets" => range is not null,
                _ => throw Broken($"entry '{name}' has a field '{field}', expected dtype, shape and data_offsets only"),
            };
            if (isRepeated)
                throw Broken($"entry '{name}' has two fields '{field}', expected one");
            if (field == "dtype")
                type = property.Value.ValueKind == JsonValueKind.String
                    ? Text(property.Value.GetString)
                    : throw Broken($"dtype of '{name}' is a JSON {property.Value.ValueKind}, expected a string");
            else if (field == "shape")
                dimensions = Integers(name, field, property.Value);
            else
                range = Integers(name, field, property.Value);
        }
        if (type is null || dimensions is null || range is not { Length: 2 })
            throw Broken($"entry '{name}' has not all of dtype, shape and two data_offsets");
        long bytes = Bytes(name, type, dimensions);
        if (range[0] > range[1] || range[1] > dataLength)
            throw Broken($"data_offsets of '{name}' are {range[0]} to {range[1]}, expected a range inside the {dataLength} bytes that "
                + $"follow the header");
        if (range[1] - range[0] != bytes)
            throw Broken(
                $"data_offsets of '{name}' span {range[1] - range[0]} bytes, expected {bytes} for {type} ({string.Join(',', dimensions)})");
        return new SafetensorsEntry(name, type, new Shape([.. dimensions.Select(size => (int)size)]), dataStart + range[0], bytes);
    }

    private long[] Integers(string name, string field, JsonElement element)
    {
        if (element.ValueKind != JsonValueKind.Array)
            throw Broken($"{field} of '{name}' is a JSON {element.ValueKind}, expected an array of integers");
        var values = new long[element.GetArrayLength()];
        int index = 0;
        foreach (JsonElement item in element.EnumerateArray())
        {
            if (item.ValueKind != JsonValueKind.Number || !item.TryGetInt64(out long value) || value < 0)
                throw Broken($"{field} of '{name}' holds {item.GetRawText()}, expected integers from 0 to 2^63-1");
            values[index++] = value;
        }
        return values;
    }

    private long Bytes(string name, string type, long[] dimensions)
    {
        int size = ElementSize(type)
            ?? throw Broken($"dtype of '{name}' is '{type}'", "this element type is not known; convert the file to F32");
        if (dimensions.Length > 64)
            throw Broken($"shape of '{name}' has {ProblemText.Count(dimensions.Length, "dimension")}, expected at most 64");
        try
        {
            long count = 1;
            foreach (long dimension in dimensions)
                count = checked(count * checked((int)dimension));
            return checked(count * size);
        }
        catch (OverflowException error)
        {
            throw Broken($"shape of '{name}' is ({string.Join(',', dimensions)}), which is larger than any file", cause: error);
        }
    }

    /// <summary>Bytes of an element; null if the format has no such type.</summary>
    public static int? ElementSize(string type) => type switch
    {
        "F64" or "I64" or "U64" or "C64" => 8,
        "F32" or "I32" or "U32" => 4,
        "F16" or "BF16" or "I16" or "U16" => 2,
        "I8" or "U8" or "BOOL" or "F8_E4M3" or "F8_E5M2" or "F8_E8M0" => 1,
        _ => null,
    };

    private void CheckLayout(long dataStart, long dataLength)
    {
        long end = dataStart;
        string previous = "the header";
        foreach (SafetensorsEntry entry in _entries)
        {
            if (entry.Offset < end)
                throw Broken($"tensor '{entry.Name}' overlaps {previous} by {end - entry.Offset} bytes");
            if (entry.Offset > end)
                throw Broken($"between {previous} and tensor '{entry.Name}' are {entry.Offset - end} bytes that no tensor holds");
            end = entry.Offset + entry.Bytes;
            previous = $"tensor '{entry.Name}'";
        }
        if (end != dataStart + dataLength)
            throw Broken($"after {previous} follow {dataStart + dataLength - end} bytes that no tensor holds");
    }

    /// <summary>The header of a file that stores these tensors one after another, padded with spaces to a multiple of 8 bytes.</summary>
    public static byte[] Format(IReadOnlyList<SafetensorsSource> tensors, IReadOnlyDictionary<string, string>? metadata)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            if (metadata is { Count: > 0 })
            {
                json.WriteStartObject(MetadataKey);
                foreach ((string key, string value) in metadata)
                    json.WriteString(key, value);
                json.WriteEndObject();
            }
            var names = new HashSet<string>(StringComparer.Ordinal) { MetadataKey };
            long offset = 0;
            foreach (SafetensorsSource tensor in tensors)
            {
                if (!names.Add(tensor.Name))
                    throw new ArgumentException(
                        $"safetensors: the name '{tensor.Name}' is given twice or reserved, expected one tensor per name", nameof(tensors));
                json.WriteStartObject(tensor.Name);
                json.WriteString("dtype", tensor.DType);
                json.WriteStartArray("shape");
                foreach (int dimension in tensor.Shape)
                    json.WriteNumberValue(dimension);
                json.WriteEndArray();
                json.WriteStartArray("data_offsets");
                json.WriteNumberValue(offset);
                json.WriteNumberValue(offset += tensor.Bytes);
                json.WriteEndArray();
                json.WriteEndObject();
            }
            json.WriteEndObject();
        }
        while (buffer.Length % 8 != 0)
            buffer.WriteByte((byte)' ');
        return buffer.ToArray();
    }

    /// <summary>The name of an element type in the format.</summary>
    public static string TypeName(DType type) => type switch
    {
        DType.Float32 => "F32",
        DType.Float64 => "F64",
        DType.Int64 => "I64",
        DType.Int32 => "I32",
        _ => "U8",
    };
}
