namespace CsUnet.Cuda;

/// <summary>The kind of a context's live resource.</summary>
public enum ResourceKind
{
    /// <summary>Device memory from cuMemAlloc.</summary>
    DeviceMemory,

    /// <summary>Device memory from a stream-ordered pool.</summary>
    PoolMemory,

    /// <summary>Page-locked host memory.</summary>
    HostMemory,

    /// <summary>A stream.</summary>
    Stream,

    /// <summary>An event.</summary>
    Event,

    /// <summary>A module.</summary>
    Module,

    /// <summary>A memory pool.</summary>
    MemoryPool,

    /// <summary>A graph.</summary>
    Graph,

    /// <summary>An executable graph.</summary>
    GraphExec,

    /// <summary>A cuBLAS or cuDNN handle.</summary>
    LibraryHandle,
}
