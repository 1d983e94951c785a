namespace CsUnet.Cuda.BasicTypes;

/// <summary>A property of a kernel's compiled code.</summary>
public enum CUFunctionAttribute
{
    /// <summary>Maximum threads in a block.</summary>
    MaxThreadsPerBlock = 0,

    /// <summary>Bytes of static shared memory per block.</summary>
    SharedSizeBytes = 1,

    /// <summary>Bytes of constant memory.</summary>
    ConstSizeBytes = 2,

    /// <summary>Bytes of local memory per thread: spilled registers and arrays indexed at run time.</summary>
    LocalSizeBytes = 3,

    /// <summary>Registers per thread.</summary>
    NumRegs = 4,

    /// <summary>PTX version, times ten.</summary>
    PTXVersion = 5,

    /// <summary>Compute capability of the code, times ten.</summary>
    BinaryVersion = 6,

    /// <summary>Whether global loads are cached in L1.</summary>
    CacheModeCA = 7,

    /// <summary>Maximum bytes of dynamic shared memory per block.</summary>
    MaxDynamicSharedSizeBytes = 8,

    /// <summary>Preferred share of the L1 cache used as shared memory, in percent.</summary>
    PreferredSharedMemoryCarveout = 9,
}
