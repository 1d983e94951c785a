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

    /// <summary>Runs a reader, and turns what it finds into an error of this file.</summary>
    protected void Guard(Action read)
    {
        try
        {
            read();
        }
        catch (Exception failure) when (failure is not WeightFileException)
        {
            Dispose();
            throw Explain(failure) ?? failure;
        }
        catch (WeightFileException)
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The error of this file for a failure while reading it; null if the failure is no property of the file.</summary>
    protected WeightFileException? Explain(Exception failure) => failure switch
    {
        PickleException pickle => new WeightFileException(Path, pickle.Message, pickle.Remedy ?? Damaged, failure),
        EndOfStreamException or InvalidDataException => new WeightFileException(Path, "it is not complete", Damaged, failure),
        IOException or UnauthorizedAccessException => new WeightFileException(Path, failure.Message, "check that it can be read", failure),
        _ => null,
    };

    /// <summary>Reverses the bytes of every element, in a file of a machine with the other byte order.</summary>
    protected static byte[] Reverse(byte[] bytes, int size)
    {
        for (int i = 0; i + size <= bytes.Length; i += size)
            bytes.AsSpan(i, size).Reverse();
        return bytes;
    }
}
