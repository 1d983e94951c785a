using Microsoft.Win32.SafeHandles;

namespace CsUnet.Data.Formats;

/// <summary>The bytes of a file, or of a part of one in memory, read at any offset.</summary>
internal sealed class ByteSource : IDisposable
{
    private readonly SafeFileHandle? _file;
    private readonly ReadOnlyMemory<byte> _memory;

    private ByteSource(string path, SafeFileHandle file)
    {
        (Path, _file) = (path, file);
        Length = RandomAccess.GetLength(file);
    }

    public ByteSource(string path, ReadOnlyMemory<byte> memory)
    {
        (Path, _memory) = (path, memory);
        Length = memory.Length;
    }

    public string Path { get; }

    public long Length { get; }

    /// <summary>Opens a regular file. A folder is refused, and a pipe or device without opening it, which could wait for ever.</summary>
    /// <exception cref="DataException">It is not a regular file, or is empty.</exception>
    public static ByteSource Open(string path)
    {
        if (Directory.Exists(path))
            throw new DataException(path, "this is a folder", ImageProblem.Formats);
        FileSystemInfo file = new FileInfo(path);
        if (file.LinkTarget is not null)
            file = file.ResolveLinkTarget(returnFinalTarget: true) ?? file;
        if (!file.Exists)
            throw new DataException(path, "cannot be read: no such file", ImageProblem.Formats);
        // Pipes, sockets and devices report a length of 0.
        if (file is FileInfo { Length: 0 })
            throw new DataException(path, "the file is empty, or no regular file but a pipe or device", ImageProblem.Formats);
        return new ByteSource(path, File.OpenHandle(path));
    }

    /// <summary>Whether the range lies within the source.</summary>
    public bool Holds(long offset, long count) => offset >= 0 && count >= 0 && offset <= Length && count <= Length - offset;

    /// <summary>Fills a buffer; false if the range lies beyond the end.</summary>
    public bool TryRead(long offset, Span<byte> buffer)
    {
        if (!Holds(offset, buffer.Length))
            return false;
        if (_file is null)
        {
            _memory.Span.Slice((int)offset, buffer.Length).CopyTo(buffer);
            return true;
        }
        while (buffer.Length > 0)
        {
            int read = RandomAccess.Read(_file, buffer, offset);
            if (read == 0)
                return false;
            buffer = buffer[read..];
            offset += read;
        }
        return true;
    }

    /// <summary>All bytes.</summary>
    /// <exception cref="DataException">They do not fit one array, or the file became shorter.</exception>
    public byte[] ReadAll()
    {
        if (Length > Array.MaxLength)
            throw ImageProblem.NotRead(Path, $"the file has {Length} bytes", $"at most {Array.MaxLength} bytes",
                "cut it into smaller images, or save it as TIFF");
        byte[] bytes = GC.AllocateUninitializedArray<byte>((int)Length);
        return TryRead(0, bytes) ? bytes : throw ImageProblem.Damaged(Path, "the file became shorter while it was read");
    }

    public void Dispose() => _file?.Dispose();
}
