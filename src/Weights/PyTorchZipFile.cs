using System.IO.Compression;
using System.IO.Hashing;
using System.Text;
using CsUnet.Tensors;

namespace CsUnet.Weights;

/// <summary>
/// The zip format of PyTorch since 1.6: NAME/data.pkl, the storages as NAME/data/KEY, and NAME/byteorder. Nothing in it is compressed.
/// </summary>
internal sealed class PyTorchZipFile : PyTorchFile
{
    private readonly Dictionary<string, ZipArchiveEntry> _entries = new(StringComparer.Ordinal);
    private readonly object _lock = new();
    private FileStream? _stream;
    private ZipArchive? _archive;
    private bool _isBigEndian;
    private string? _cachedKey;
    private byte[] _cached = [];

    public PyTorchZipFile(string path)
        : base(path) => Open(ReadArchive);

    public override string Format => "PyTorch zip";

    protected override long StorageBytes(string key) => _entries.TryGetValue($"data/{key}", out ZipArchiveEntry? entry) ? entry.Length : -1;

    protected override byte[] ReadStorage(StorageReference storage, int size, long first, long count)
    {
        lock (_lock)
        {
            // Tensors that share a storage are read one after the other.
            if (_cachedKey != storage.Key)
                (_cached, _cachedKey) = (Guard(() => Content(_entries[$"data/{storage.Key}"])), storage.Key);
            byte[] bytes = _cached.AsSpan(checked((int)((storage.Offset + first) * size)), checked((int)(count * size))).ToArray();
            return _isBigEndian ? Reverse(bytes, size) : bytes;
        }
    }

    protected override void Dispose(bool disposing)
    {
        _archive?.Dispose();
        _stream?.Dispose();
    }

    private void ReadArchive()
    {
        _stream = new FileStream(Path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete);
        _archive = new ZipArchive(_stream, ZipArchiveMode.Read);
        ZipArchiveEntry[] pickles = [.. _archive.Entries.Where(entry => entry.Name == "data.pkl" && entry.FullName.Count('/') <= 1)];
        if (pickles.Length != 1)
            throw new PickleException("this zip archive is no file of torch.save: it has no data.pkl", "choose a file that PyTorch wrote");
        string folder = pickles[0].FullName[..^"data.pkl".Length];
        foreach (ZipArchiveEntry entry in _archive.Entries)
        {
            if (!entry.FullName.StartsWith(folder, StringComparison.Ordinal))
                continue;
            string name = entry.FullName[folder.Length..];
            if (!_entries.TryAdd(name, entry))
                throw new PickleException($"the archive has two entries '{name}'");
        }
        if (_entries.ContainsKey("constants.pkl") || _entries.Keys.Any(name => name.StartsWith("code/", StringComparison.Ordinal)))
            throw new PickleException("this is a TorchScript program, expected a state dictionary",
                "save the state dictionary: torch.save(torch.jit.load(path).state_dict(), other)");
        foreach ((string name, ZipArchiveEntry entry) in _entries)
            if (entry.CompressedLength != entry.Length)
                throw new PickleException($"the entry '{name}' is compressed, and PyTorch compresses nothing",
                    "unpack the archive and pack it without compression, or load it in PyTorch and save it again");
        string order = _entries.TryGetValue("byteorder", out ZipArchiveEntry? byteOrder)
            ? Encoding.ASCII.GetString(Content(byteOrder))
            : "little";
        if (order is not ("little" or "big"))
            throw new PickleException($"its byte order is '{order}', expected little or big");
        _isBigEndian = order == "big";
        byte[] pickle = Content(pickles[0]);
        SetContent(Unpickler.Read(new MemoryStream(pickle)), pickle.Length);
    }

    private byte[] Content(ZipArchiveEntry entry)
    {
        // A length that only the directory claims must not allocate.
        if (entry.Length > _stream!.Length || entry.Length > Array.MaxLength)
            throw new PickleException($"the entry '{entry.FullName}' should have {entry.Length} bytes, the file has {_stream.Length}");
        var bytes = new byte[entry.Length];
        using Stream stream = entry.Open();
        stream.ReadExactly(bytes);
        if (Crc32.HashToUInt32(bytes) != entry.Crc32)
            throw new PickleException($"the entry '{entry.FullName}' has another checksum than the archive says");
        return bytes;
    }
}
