namespace CsUnet.Tensors;

/// <summary>
/// Keeps every block allocated on this thread alive until the scope ends. Kernels hold the addresses of temporaries, and the garbage
/// collector does not see them. Outside of a step, where a block owns its memory, it could free a block while worker threads still write to
/// it.
/// </summary>
public readonly struct StorageScope : IDisposable
{
    [ThreadStatic] private static List<Storage>? t_blocks;
    private readonly List<Storage>? _previous;

    private StorageScope(List<Storage>? previous) => _previous = previous;

    /// <summary>Begins a scope; scopes nest.</summary>
    public static StorageScope Begin()
    {
        var scope = new StorageScope(t_blocks);
        t_blocks = [];
        return scope;
    }

    internal static void Add(Storage storage) => t_blocks?.Add(storage);

    /// <summary>Ends the scope.</summary>
    public void Dispose()
    {
        GC.KeepAlive(t_blocks);
        t_blocks = _previous;
    }
}
