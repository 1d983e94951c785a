namespace CsUnet.Cuda.BasicTypes;

/// <summary>How memory of a pool is backed.</summary>
public enum CUmemAllocationType
{
    /// <summary>Not set.</summary>
    Invalid = 0,

    /// <summary>Fixed device memory.</summary>
    Pinned = 1,
}
