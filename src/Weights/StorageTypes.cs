namespace CsUnet.Weights;

/// <summary>The storages that a pickle names, with the bytes of an element: the legacy format counts elements, not bytes.</summary>
internal sealed class StorageTypes
{
    public Dictionary<string, int> Sizes { get; } = new(StringComparer.Ordinal);

    public void Add(StorageReference storage)
    {
        int size = storage.DType is { } type ? ElementTypes.Size(type) : 1;
        if (!Sizes.TryAdd(storage.Key, size) && Sizes[storage.Key] != size)
            throw new PickleException($"storage {storage.Key} has two types");
    }
}
