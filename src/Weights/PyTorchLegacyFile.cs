using System.Buffers.Binary;
using CsUnet.Tensors;

namespace CsUnet.Weights;

/// <summary>
/// The format of PyTorch before 1.6: pickles of a magic number, a version, the system, the object and the storages' keys, then for each key
/// the number of elements (8 bytes) and the elements.
/// </summary>
internal sealed class PyTorchLegacyFile : PyTorchFile
{
    private static readonly byte[] s_magic = [0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];

    private readonly Dictionary<string, (long Position, long Bytes)> _storages = new(StringComparer.Ordinal);
    private readonly object _lock = new();
    private FileStream? _stream;
    private bool _isBigEndian;

    public PyTorchLegacyFile(string path)
        : base(path) => Open(ReadContent);

    public override string Format => "PyTorch legacy";

    protected override long StorageBytes(string key) =>
        _storages.TryGetValue(key, out (long Position, long Bytes) storage) ? storage.Bytes : -1;

    protected override byte[] ReadStorage(StorageReference storage, int size, long first, long count)
    {
        lock (_lock)
        {
            byte[] bytes = Guard(() =>
            {
                var content = new byte[checked((int)(count * size))];
                _stream!.Position = _storages[storage.Key].Position + (storage.Offset + first) * size;
                _stream.ReadExactly(content);
                return content;
            });
            return _isBigEndian ? Reverse(bytes, size) : bytes;
        }
    }

    protected override void Dispose(bool disposing) => _stream?.Dispose();

    private void ReadContent()
    {
        _stream = new FileStream(Path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete);
        var magic = new System.Numerics.BigInteger(s_magic);
        if (Unpickler.Read(_stream) is not System.Numerics.BigInteger number || number != magic)
            throw new PickleException("this pickle is no file of torch.save", "save the state dictionary with torch.save");
        if (Unpickler.Read(_stream) is not 1001L)
            throw new PickleException("its protocol is not 1001, the only one of PyTorch's legacy format");
        if (Unpickler.Read(_stream) is not PickleDictionary system)
            throw new PickleException("it does not describe the machine that wrote it");
        _isBigEndian = system.Find("little_endian") is false;
        long start = _stream.Position;
        var storages = new StorageTypes();
        object? root = Unpickler.Read(_stream, storages);
        long length = _stream.Position - start;
        if (Unpickler.Read(_stream) is not List<object?> keys)
            throw new PickleException("it does not list its storages");
        Span<byte> prefix = stackalloc byte[8];
        foreach (object? key in keys)
        {
            if (key is not string name || !storages.Sizes.TryGetValue(name, out int size))
                throw new PickleException("it lists a storage that nothing names");
            _stream.ReadExactly(prefix);
            long count = _isBigEndian ? BinaryPrimitives.ReadInt64BigEndian(prefix) : BinaryPrimitives.ReadInt64LittleEndian(prefix);
            if (count < 0 || count > (_stream.Length - _stream.Position) / size)
                throw new PickleException($"storage {name} should have {count} elements of {size} bytes, "
                    + $"{_stream.Length - _stream.Position} bytes follow");
            if (!_storages.TryAdd(name, (_stream.Position, count * size)))
                throw new PickleException($"it lists storage {name} twice");
            _stream.Position += count * size;
        }
        SetContent(root, length);
    }
}
