namespace CsUnet.Cuda.BasicTypes;

/// <summary>The properties of a new memory pool.</summary>
public unsafe struct CUmemPoolProps
{
    /// <summary>How its memory is backed: <see cref="CUmemAllocationType.Pinned"/>.</summary>
    public CUmemAllocationType allocType;

    /// <summary>Handle types for sharing between processes; 0 is none.</summary>
    public int handleTypes;

    /// <summary>The device.</summary>
    public CUmemLocation location;

    /// <summary>Windows security attributes; 0.</summary>
    public nint win32SecurityAttributes;

    /// <summary>Maximum bytes the pool may hold, 0 for no limit; drivers for CUDA 12.2 and newer read it, older ones reserve it.</summary>
    public nuint maxSize;

    private fixed byte _reserved[56];
}
