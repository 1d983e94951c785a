using CsUnet.Cuda;
using Microsoft.Win32.SafeHandles;

namespace CsUnet.Tensors;

/// <summary>
/// A file in the safetensors format (https://huggingface.co/docs/safetensors): an 8-byte header length, a JSON header of names, element
/// types, shapes and byte ranges, and the tensors' bytes, little-endian and without gaps. Opening a file checks the whole header. A
/// tensor's bytes are read only when it is loaded, so a file may be larger than memory. Dispose closes the file.
/// </summary>
/// <example><code>
/// using var file = SafetensorsFile.Read("last.safetensors");
/// Tensor weight = file.Load("encoder.norm.weight");
/// </code></example>
public sealed partial class SafetensorsFile : IDisposable
{
    // Bytes converted or copied at a time: enough for full disk speed, and little compared with any model.
    private const int ChunkBytes = 1 << 20;

    private readonly SafeFileHandle _handle;
    private readonly Dictionary<string, SafetensorsEntry> _byName;

    private SafetensorsFile(string path, SafeFileHandle handle, SafetensorsHeader header)
    {
        Path = path;
        _handle = handle;
        Metadata = header.Metadata;
        Entries = header.Entries;
        _byName = header.Entries.ToDictionary(entry => entry.Name, StringComparer.Ordinal);
    }

    /// <summary>The file's path, as it was given.</summary>
    public string Path { get; }

    /// <summary>The free text of the header's <c>__metadata__</c>; empty if there is none.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>The tensors, in the order of their bytes.</summary>
    public IReadOnlyList<SafetensorsEntry> Entries { get; }

    /// <summary>Opens a file and checks its header.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="WeightFileException">It cannot be opened, or is not a complete and consistent safetensors file.</exception>
    public static SafetensorsFile Read(string path) => Guard(path, () =>
    {
        // A pipe without a writer would wait for ever.
        if (SpecialFile.Is(path))
            throw new WeightFileException(path, "is a pipe or a device", "give a file");
        // Delete sharing lets a training run replace the file while a reader keeps the version that it opened.
        SafeFileHandle handle = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete);
        try
        {
            return new SafetensorsFile(path, handle, SafetensorsHeader.Parse(path, handle));
        }
        catch (Exception)
        {
            handle.Dispose();
            throw;
        }
    });

    private static T Guard<T>(string path, Func<T> read) => ReadFile.Parse(path, "not a safetensors file that is understood", read,
        problem => new WeightFileException(
            problem.Place, ProblemText.Compose(null, problem.Problem, problem.Expected), problem.Remedy ?? (
                problem.Cause is IOException or UnauthorizedAccessException ? "check the path and your permission to read it"
                    : "the file is damaged or incomplete; get it again"), problem.Cause));

    /// <summary>Whether the file holds a tensor of that name.</summary>
    public bool Contains(string name) => _byName.ContainsKey(name);

    /// <summary>The entry of a tensor.</summary>
    /// <exception cref="WeightFileException">The file has no tensor of that name.</exception>
    public SafetensorsEntry Entry(string name) => _byName.TryGetValue(name, out SafetensorsEntry? entry)
        ? entry
        : throw new WeightFileException(Path, $"no tensor named '{name}' (the file has {Entries.Count})",
            "is this the file of another model?");

    /// <summary>Reads one tensor. F32, F64, I64, I32 and U8 keep their type; F16 and BF16 are converted to float32.</summary>
    /// <param name="name">The tensor's name.</param>
    /// <exception cref="WeightFileException">There is no such tensor, its element type is none of these, or the file has shrunk
    /// since.</exception>
    public Tensor Load(string name)
    {
        ObjectDisposedException.ThrowIf(_handle.IsClosed, this);
        return Guard(Path, () => LoadEntry(name));
    }

    private Tensor LoadEntry(string name)
    {
        SafetensorsEntry entry = Entry(name);
        DType type = entry.DType switch
        {
            "F32" or "F16" or "BF16" => DType.Float32,
            "F64" => DType.Float64,
            "I64" => DType.Int64,
            "I32" => DType.Int32,
            "U8" => DType.UInt8,
            _ => throw new WeightFileException(Path, $"tensor '{name}' has elements of type {entry.DType}",
                "tensors of F32, F64, F16, BF16, I64, I32 and U8 can be loaded; convert the file"),
        };
        Tensor tensor = Tensor.Empty(entry.Shape, type);
        if (entry.DType is "F16" or "BF16")
            Widen(entry, tensor);
        else
            Copy(entry, tensor);
        return tensor;
    }

    /// <summary>The bytes of one tensor as they stand in the file: row-major, little-endian, in the entry's element type.</summary>
    /// <param name="name">The tensor's name.</param>
    /// <exception cref="WeightFileException">There is no such tensor, it is larger than 2 GiB, or the file has shrunk since.</exception>
    public byte[] ReadBytes(string name)
    {
        ObjectDisposedException.ThrowIf(_handle.IsClosed, this);
        SafetensorsEntry entry = Entry(name);
        if (entry.Bytes > Array.MaxLength)
            throw new WeightFileException(Path, $"tensor '{name}' has {entry.Bytes} bytes", "split it: 2 GiB are read at once");
        var bytes = new byte[entry.Bytes];
        ReadExactly(entry, 0, bytes);
        return bytes;
    }

    private unsafe void Copy(SafetensorsEntry entry, Tensor tensor)
    {
        byte* target = (byte*)tensor.RawPointer;
        for (long done = 0; done < entry.Bytes; done += ChunkBytes)
            ReadExactly(entry, done, new Span<byte>(target + done, (int)Math.Min(ChunkBytes, entry.Bytes - done)));
    }

    private unsafe void Widen(SafetensorsEntry entry, Tensor tensor)
    {
        float* target = tensor.Pointer<float>();
        bool brain = entry.DType == "BF16";
        var buffer = new ushort[ChunkBytes / sizeof(ushort)];
        for (long done = 0; done < tensor.Count; done += buffer.Length)
        {
            Span<ushort> bits = buffer.AsSpan(0, (int)Math.Min(buffer.Length, tensor.Count - done));
            ReadExactly(entry, done * sizeof(ushort), System.Runtime.InteropServices.MemoryMarshal.AsBytes(bits));
            for (int i = 0; i < bits.Length; i++)
                target[done + i] = brain
                    ? BitConverter.UInt32BitsToSingle((uint)bits[i] << 16)
                    : (float)BitConverter.UInt16BitsToHalf(bits[i]);
        }
    }

    private void ReadExactly(SafetensorsEntry entry, long offset, Span<byte> target)
    {
        long position = entry.Offset + offset;
        while (!target.IsEmpty)
        {
            int count = RandomAccess.Read(_handle, target, position);
            if (count == 0)
                throw new WeightFileException(Path,
                    $"the file ended inside tensor '{entry.Name}', though it was complete when it was opened",
                    "something has cut it since; restore it from a copy");
            target = target[count..];
            position += count;
        }
    }

    /// <summary>
    /// Writes a file. The bytes go to a temporary file in the same folder, which is flushed to the disk and then renamed to the target. So
    /// the target is always either the complete old file or the complete new one. Tensors with wider elements come first, which keeps every
    /// tensor aligned.
    /// </summary>
    /// <param name="path">The target.</param>
    /// <param name="tensors">Names and tensors, on any device; tensors of the same element size keep their order.</param>
    /// <param name="metadata">Free text for the header, or null.</param>
    /// <param name="beforeRename">Called when the temporary file is complete, before it replaces the target; null for nothing.</param>
    /// <exception cref="ArgumentException">Two tensors have the same name, or one has the reserved name <c>__metadata__</c>.</exception>
    /// <exception cref="WeightFileException">The file cannot be written; the temporary file is deleted.</exception>
    public static void Write(
        string path, IEnumerable<KeyValuePair<string, Tensor>> tensors, IReadOnlyDictionary<string, string>? metadata = null,
        Action? beforeRename = null) =>
        WriteRaw(path, tensors.Select(named => new SafetensorsSource(named.Key, SafetensorsHeader.TypeName(named.Value.DType),
            named.Value.Shape, stream => WriteBytes(stream, named.Value))), metadata, beforeRename);

    /// <summary>Writes a file from tensors of any element type; otherwise as <see cref="Write"/>.</summary>
    /// <param name="path">The target.</param>
    /// <param name="sources">The tensors, which write their own bytes.</param>
    /// <param name="metadata">Free text for the header, or null.</param>
    /// <param name="beforeRename">Called when the content is on the disk and has not yet its name.</param>
    /// <exception cref="ArgumentException">Two tensors have the same name, one has the reserved name <c>__metadata__</c>, or an element
    /// type is not of the format.</exception>
    /// <exception cref="WeightFileException">The file cannot be written; the temporary file is deleted.</exception>
    public static void WriteRaw(
        string path, IEnumerable<SafetensorsSource> sources, IReadOnlyDictionary<string, string>? metadata = null,
        Action? beforeRename = null)
    {
        List<SafetensorsSource> ordered = [.. sources.OrderByDescending(source => source.ElementSize)];
        byte[] header = SafetensorsHeader.Format(ordered, metadata);
        try
        {
            AtomicFile.Write(path, stream =>
            {
                stream.Write(BitConverter.GetBytes((ulong)header.Length));
                stream.Write(header);
                foreach (SafetensorsSource source in ordered)
                {
                    long start = stream.Position;
                    source.Write(stream);
                    if (stream.Position - start != source.Bytes)
                        throw new ArgumentException($"safetensors: tensor '{source.Name}' wrote {stream.Position - start} bytes, "
                            + $"expected {source.Bytes}", nameof(sources));
                }
                DiskFlush.Flush(stream);
                beforeRename?.Invoke();
            });
        }
        catch (Exception error) when (error is IOException and not WeightFileException or UnauthorizedAccessException)
        {
            long bytes = 8 + header.Length + ordered.Sum(source => source.Bytes);
            throw new WeightFileException(path, $"could not be written: {error.Message}",
                $"check that the folder exists and is writable, and that {bytes / 1048576.0:F1} MiB are free there", error);
        }
    }

    private static List<KeyValuePair<string, Tensor>> Ordered(IEnumerable<KeyValuePair<string, Tensor>> tensors) =>
        [.. tensors.OrderByDescending(named => named.Value.DType.Size())];

    private static unsafe void WriteBytes(Stream stream, Tensor original)
    {
        Tensor tensor = original.To(Device.Cpu);
        byte* source = (byte*)tensor.RawPointer;
        for (long done = 0; done < tensor.Bytes; done += ChunkBytes)
            stream.Write(new ReadOnlySpan<byte>(source + done, (int)Math.Min(ChunkBytes, tensor.Bytes - done)));
        GC.KeepAlive(tensor);
    }

    /// <summary>Closes the file.</summary>
    public void Dispose() => _handle.Dispose();
}
