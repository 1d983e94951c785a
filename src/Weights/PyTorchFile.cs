using CsUnet.Tensors;

namespace CsUnet.Weights;

/// <summary>A file of <c>torch.save</c>: a pickle that names storages, and the storages' bytes.</summary>
internal abstract class PyTorchFile : WeightFile
{
    /// <summary>The remedy for damage of every kind.</summary>
    protected const string Damaged = "the file is damaged or incomplete; get it again";

    private WeightTree? _tree;
    private IReadOnlyList<WeightTensor>? _tensors;

    protected PyTorchFile(string path)
        : base(path)
    {
    }

    public override IReadOnlyList<WeightTensor> Tensors => _tensors!;

    public override IReadOnlyDictionary<string, string> Metadata => _tree!.Values;

    public override string Root => _tree!.Root;

    /// <summary>Takes the tensors from the value of the file's pickle, and checks that the file holds every storage.</summary>
    /// <param name="root">The pickle's value.</param>
    /// <param name="bytes">The file's size.</param>
    protected void SetContent(object? root, long bytes)
    {
        _tree = WeightTree.Read(root, bytes);
        foreach ((string name, StoredTensor tensor) in _tree.Tensors)
        {
            long needed = tensor.Storage.Count * ElementTypes.Size(tensor.DType);
            long stored = StorageBytes(tensor.Storage.Key);
            if (needed > stored)
                throw new PickleException($"the storage of tensor '{name}' has {stored} bytes, expected {needed}");
        }
        _tensors = [.. _tree.Tensors.Select(named => new StridedTensor(Path, named.Key, named.Value, ReadStorage))];
    }

    /// <summary>The bytes of a storage in the file; -1 if there is none of that key.</summary>
    protected abstract long StorageBytes(string key);

    /// <summary>Reads a part of a storage.</summary>
    /// <param name="storage">The storage.</param>
    /// <param name="size">Bytes of an element.</param>
    /// <param name="first">The first element.</param>
    /// <param name="count">Number of elements.</param>
    protected abstract byte[] ReadStorage(StorageReference storage, int size, long first, long count);

    /// <summary>Reads a part of the file; what is wrong with it becomes an error that names it.</summary>
    protected T Guard<T>(Func<T> read) => ReadFile.Parse(Path, "not a file of torch.save that is understood", read, problem =>
        problem.Cause switch
        {
            PickleException pickle => new WeightFileException(Path, pickle.Message, pickle.Remedy ?? Damaged, pickle),
            EndOfStreamException => new WeightFileException(Path, "it is not complete", Damaged, problem.Cause),
            _ => new WeightFileException(Path, problem.Problem, Damaged, problem.Cause),
        });

    /// <summary>Reads the file when it is opened, and closes it if that fails.</summary>
    protected void Open(Action read)
    {
        bool isRead = false;
        try
        {
            Guard(() =>
            {
                read();
                return isRead = true;
            });
        }
        finally
        {
            if (!isRead)
                Dispose();
        }
    }

    /// <summary>Reverses the bytes of every element, in a file of a machine with the other byte order.</summary>
    protected static byte[] Reverse(byte[] bytes, int size)
    {
        for (int i = 0; i + size <= bytes.Length; i += size)
            bytes.AsSpan(i, size).Reverse();
        return bytes;
    }
}
