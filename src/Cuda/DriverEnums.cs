namespace CsUnet.Cuda;

/// <summary>How a context waits for the device.</summary>
[Flags]
public enum CUCtxFlags : uint
{
    /// <summary>The driver chooses.</summary>
    SchedAuto = 0,

    /// <summary>Spin: lowest latency, one busy core.</summary>
    SchedSpin = 1,

    /// <summary>Spin, but yield to other threads.</summary>
    SchedYield = 2,

    /// <summary>Block on a primitive of the operating system.</summary>
    BlockingSync = 4,
}

/// <summary>Flags of a new stream.</summary>
[Flags]
public enum CUStreamFlags : uint
{
    /// <summary>Ordered against the default stream.</summary>
    None = 0,

    /// <summary>Does not wait for the default stream, nor it for this one.</summary>
    NonBlocking = 1,
}

/// <summary>Flags of a new event.</summary>
[Flags]
public enum CUEventFlags : uint
{
    /// <summary>Measures time; waiting spins.</summary>
    Default = 0,

    /// <summary>Waiting blocks the thread instead of spinning.</summary>
    BlockingSync = 1,

    /// <summary>Measures no time: cheaper.</summary>
    DisableTiming = 2,
}

/// <summary>Flags of page-locked host memory.</summary>
[Flags]
public enum CUMemHostAllocFlags : uint
{
    /// <summary>Plain page-locked memory.</summary>
    None = 0,

    /// <summary>Page-locked for all contexts, not only the current one.</summary>
    Portable = 1,

    /// <summary>Visible in the device's address space.</summary>
    DeviceMap = 2,

    /// <summary>Write-combined: faster to copy from, very slow to read on the CPU.</summary>
    WriteCombined = 4,
}

/// <summary>What other threads may do while a stream is captured.</summary>
public enum CUstreamCaptureMode
{
    /// <summary>No thread may make calls that a capture forbids (allocation, for one).</summary>
    Global = 0,

    /// <summary>This thread may not.</summary>
    ThreadLocal = 1,

    /// <summary>Every thread may.</summary>
    Relaxed = 2,
}

/// <summary>Whether a stream is being captured.</summary>
public enum CUstreamCaptureStatus
{
    /// <summary>Not captured.</summary>
    None = 0,

    /// <summary>Captured.</summary>
    Active = 1,

    /// <summary>Captured, but an error has invalidated the capture; it must still be ended.</summary>
    Invalidated = 2,
}

/// <summary>Flags of <see cref="CudaGraph.Instantiate"/>.</summary>
[Flags]
public enum CUgraphInstantiate_flags : ulong
{
    /// <summary>Nothing special.</summary>
    None = 0,

    /// <summary>Memory that the graph allocates is freed before it is launched again.</summary>
    AutoFreeOnLaunch = 1,
}

/// <summary>Why an executable graph could not be updated.</summary>
public enum CUgraphExecUpdateResult
{
    /// <summary>Updated.</summary>
    Success = 0,

    /// <summary>Failed for a reason that the return value of the call tells.</summary>
    Error = 1,

    /// <summary>The graphs differ in their nodes or dependencies.</summary>
    ErrorTopologyChanged = 2,

    /// <summary>A node is of another type.</summary>
    ErrorNodeTypeChanged = 3,

    /// <summary>A node runs another kernel, which this driver cannot change.</summary>
    ErrorFunctionChanged = 4,

    /// <summary>A parameter changed that cannot be changed.</summary>
    ErrorParametersChanged = 5,

    /// <summary>Something about the node is not supported.</summary>
    ErrorNotSupported = 6,

    /// <summary>A kernel changed in a way that is not supported.</summary>
    ErrorUnsupportedFunctionChange = 7,

    /// <summary>An attribute of a node changed.</summary>
    ErrorAttributesChanged = 8,
}

/// <summary>What a kernel's compiled code needs.</summary>
public enum CUFunctionAttribute
{
    /// <summary>Most threads in a block.</summary>
    MaxThreadsPerBlock = 0,

    /// <summary>Bytes of static shared memory per block.</summary>
    SharedSizeBytes = 1,

    /// <summary>Bytes of constant memory.</summary>
    ConstSizeBytes = 2,

    /// <summary>Bytes of local memory per thread: spilled registers and arrays without a fixed index.</summary>
    LocalSizeBytes = 3,

    /// <summary>Registers per thread.</summary>
    NumRegs = 4,

    /// <summary>PTX version, times ten.</summary>
    PTXVersion = 5,

    /// <summary>Compute capability of the code, times ten.</summary>
    BinaryVersion = 6,

    /// <summary>Whether global loads are cached in L1.</summary>
    CacheModeCA = 7,

    /// <summary>Most bytes of dynamic shared memory per block.</summary>
    MaxDynamicSharedSizeBytes = 8,

    /// <summary>Wished share of the L1 cache used as shared memory, in percent.</summary>
    PreferredSharedMemoryCarveout = 9,
}

/// <summary>A property of a device.</summary>
public enum CUDeviceAttribute
{
    /// <summary>Most threads in a block.</summary>
    MaxThreadsPerBlock = 1,

    /// <summary>Most threads of a block along x.</summary>
    MaxBlockDimX = 2,

    /// <summary>Most threads of a block along y.</summary>
    MaxBlockDimY = 3,

    /// <summary>Most threads of a block along z.</summary>
    MaxBlockDimZ = 4,

    /// <summary>Most blocks of a grid along x.</summary>
    MaxGridDimX = 5,

    /// <summary>Most blocks of a grid along y.</summary>
    MaxGridDimY = 6,

    /// <summary>Most blocks of a grid along z.</summary>
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

    /// <summary>Most resident threads per multiprocessor.</summary>
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

    /// <summary>Bytes of shared memory per block when a kernel opts in.</summary>
    MaxSharedMemoryPerBlockOptin = 97,

    /// <summary>Most resident blocks per multiprocessor.</summary>
    MaxBlocksPerMultiProcessor = 106,

    /// <summary>Bytes of shared memory that the driver takes from every block.</summary>
    ReservedSharedMemoryPerBlock = 111,

    /// <summary>Whether stream-ordered memory pools are supported.</summary>
    MemoryPoolsSupported = 115,
}

/// <summary>A setting or a count of a memory pool.</summary>
public enum CUmemPool_attribute
{
    /// <summary>int: reuse memory freed in another stream when an event orders the two.</summary>
    ReuseFollowEventDependencies = 1,

    /// <summary>int: reuse memory whose free has already completed.</summary>
    ReuseAllowOpportunistic,

    /// <summary>int: insert a dependency between streams to reuse memory.</summary>
    ReuseAllowInternalDependencies,

    /// <summary>ulong: bytes that the pool keeps over a synchronisation.</summary>
    ReleaseThreshold,

    /// <summary>ulong: bytes that the pool holds from the device.</summary>
    ReservedMemCurrent,

    /// <summary>ulong: most bytes held since the last reset; set to 0 to reset.</summary>
    ReservedMemHigh,

    /// <summary>ulong: bytes in use.</summary>
    UsedMemCurrent,

    /// <summary>ulong: most bytes in use since the last reset; set to 0 to reset.</summary>
    UsedMemHigh,
}

/// <summary>How memory of a pool is backed.</summary>
public enum CUmemAllocationType
{
    /// <summary>Not set.</summary>
    Invalid = 0,

    /// <summary>Fixed device memory.</summary>
    Pinned = 1,
}

/// <summary>What kind of place a <see cref="CUmemLocation"/> names.</summary>
public enum CUmemLocationType
{
    /// <summary>Not set.</summary>
    Invalid = 0,

    /// <summary>A device, by its number.</summary>
    Device = 1,
}

/// <summary>A place for memory.</summary>
public struct CUmemLocation
{
    /// <summary>The kind of place.</summary>
    public CUmemLocationType type;

    /// <summary>The number of the device.</summary>
    public int id;
}

/// <summary>What a new memory pool is like.</summary>
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

    /// <summary>Most bytes the pool may hold, 0 for no limit; read by drivers for CUDA 12.2 and up, reserved before.</summary>
    public nuint maxSize;

    private fixed byte _reserved[56];
}
