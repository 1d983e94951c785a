namespace CsUnet.Cuda.BasicTypes;

/// <summary>A property of a device.</summary>
public enum CUDeviceAttribute
{
    /// <summary>Maximum threads in a block.</summary>
    MaxThreadsPerBlock = 1,

    /// <summary>Maximum threads of a block along x.</summary>
    MaxBlockDimX = 2,

    /// <summary>Maximum threads of a block along y.</summary>
    MaxBlockDimY = 3,

    /// <summary>Maximum threads of a block along z.</summary>
    MaxBlockDimZ = 4,

    /// <summary>Maximum blocks of a grid along x.</summary>
    MaxGridDimX = 5,

    /// <summary>Maximum blocks of a grid along y.</summary>
    MaxGridDimY = 6,

    /// <summary>Maximum blocks of a grid along z.</summary>
    MaxGridDimZ = 7,

    /// <summary>Bytes of shared memory per block without opting in to more.</summary>
    MaxSharedMemoryPerBlock = 8,

    /// <summary>Bytes of constant memory.</summary>
    TotalConstantMemory = 9,

    /// <summary>Threads in a warp.</summary>
    WarpSize = 10,

    /// <summary>Registers per block.</summary>
    MaxRegistersPerBlock = 12,

    /// <summary>Peak clock in kHz.</summary>
    ClockRate = 13,

    /// <summary>Number of streaming multiprocessors.</summary>
    MultiProcessorCount = 16,

    /// <summary>Whether kernels are stopped after some seconds (a display is attached).</summary>
    KernelExecTimeout = 17,

    /// <summary>Whether device and host share memory.</summary>
    Integrated = 18,

    /// <summary>Whether several kernels can run at once.</summary>
    ConcurrentKernels = 31,

    /// <summary>Whether memory has error correction.</summary>
    ECCEnabled = 32,

    /// <summary>PCI bus.</summary>
    PCIBusID = 33,

    /// <summary>PCI device.</summary>
    PCIDeviceID = 34,

    /// <summary>Peak memory clock in kHz.</summary>
    MemoryClockRate = 36,

    /// <summary>Memory bus width in bits.</summary>
    GlobalMemoryBusWidth = 37,

    /// <summary>Bytes of L2 cache.</summary>
    L2CacheSize = 38,

    /// <summary>Maximum resident threads per multiprocessor.</summary>
    MaxThreadsPerMultiProcessor = 39,

    /// <summary>Number of copy engines.</summary>
    AsyncEngineCount = 40,

    /// <summary>Whether host and device share one address space.</summary>
    UnifiedAddressing = 41,

    /// <summary>PCI domain.</summary>
    PCIDomainID = 50,

    /// <summary>Major part of the compute capability.</summary>
    ComputeCapabilityMajor = 75,

    /// <summary>Minor part of the compute capability.</summary>
    ComputeCapabilityMinor = 76,

    /// <summary>Bytes of shared memory per multiprocessor.</summary>
    MaxSharedMemoryPerMultiprocessor = 81,

    /// <summary>Registers per multiprocessor.</summary>
    MaxRegistersPerMultiprocessor = 82,

    /// <summary>Whether kernels can synchronise across a whole grid.</summary>
    CooperativeLaunch = 95,

    /// <summary>Bytes of shared memory per block with opt-in.</summary>
    MaxSharedMemoryPerBlockOptin = 97,

    /// <summary>Maximum resident blocks per multiprocessor.</summary>
    MaxBlocksPerMultiProcessor = 106,

    /// <summary>Bytes of shared memory that the driver reserves per block.</summary>
    ReservedSharedMemoryPerBlock = 111,

    /// <summary>Whether stream-ordered memory pools are supported.</summary>
    MemoryPoolsSupported = 115,
}
