using System.Runtime.InteropServices;
using CsUnet.Cuda.BasicTypes;
using CsUnet.Cuda.Native;

namespace CsUnet.Cuda;

/// <summary>The properties of a device, read once by the constructor. An attribute unknown to the driver is 0.</summary>
public sealed unsafe class CudaDeviceProperties
{
    internal CudaDeviceProperties(CUdevice device, int deviceId)
    {
        DeviceId = deviceId;
        DeviceName = ReadName(device, deviceId);
        DriverVersion = CudaContext.GetDriverVersion();
        nuint bytes = 0;
        Driver.Check(DriverNative.cuDeviceTotalMem(&bytes, device), $"cuDeviceTotalMem(device={deviceId})");
        TotalGlobalMemory = (ulong)bytes;

        int Read(CUDeviceAttribute attribute)
        {
            int value = 0;
            CUResult result = DriverNative.cuDeviceGetAttribute(&value, attribute, device);
            // An older driver returns this for attributes that it does not have.
            if (result == CUResult.ErrorInvalidValue)
                return 0;
            Driver.Check(result, $"cuDeviceGetAttribute(attribute={attribute}, device={deviceId})");
            return value;
        }

        ComputeCapability = new Version(Read(CUDeviceAttribute.ComputeCapabilityMajor), Read(CUDeviceAttribute.ComputeCapabilityMinor));
        MultiProcessorCount = Read(CUDeviceAttribute.MultiProcessorCount);
        WarpSize = Read(CUDeviceAttribute.WarpSize);
        MaxThreadsPerBlock = Read(CUDeviceAttribute.MaxThreadsPerBlock);
        MaxThreadsPerMultiProcessor = Read(CUDeviceAttribute.MaxThreadsPerMultiProcessor);
        MaxBlocksPerMultiProcessor = Read(CUDeviceAttribute.MaxBlocksPerMultiProcessor);
        MaxBlockDim = new dim3(Read(CUDeviceAttribute.MaxBlockDimX), Read(CUDeviceAttribute.MaxBlockDimY),
            Read(CUDeviceAttribute.MaxBlockDimZ));
        MaxGridDim = new dim3(Read(CUDeviceAttribute.MaxGridDimX), Read(CUDeviceAttribute.MaxGridDimY),
            Read(CUDeviceAttribute.MaxGridDimZ));
        SharedMemoryPerBlock = Read(CUDeviceAttribute.MaxSharedMemoryPerBlock);
        MaxSharedMemoryPerBlockOptin = Read(CUDeviceAttribute.MaxSharedMemoryPerBlockOptin);
        SharedMemoryPerMultiprocessor = Read(CUDeviceAttribute.MaxSharedMemoryPerMultiprocessor);
        ReservedSharedMemoryPerBlock = Read(CUDeviceAttribute.ReservedSharedMemoryPerBlock);
        RegistersPerBlock = Read(CUDeviceAttribute.MaxRegistersPerBlock);
        RegistersPerMultiprocessor = Read(CUDeviceAttribute.MaxRegistersPerMultiprocessor);
        TotalConstantMemory = Read(CUDeviceAttribute.TotalConstantMemory);
        L2CacheSize = Read(CUDeviceAttribute.L2CacheSize);
        ClockRate = Read(CUDeviceAttribute.ClockRate);
        MemoryClockRate = Read(CUDeviceAttribute.MemoryClockRate);
        GlobalMemoryBusWidth = Read(CUDeviceAttribute.GlobalMemoryBusWidth);
        AsyncEngineCount = Read(CUDeviceAttribute.AsyncEngineCount);
        PciDomainId = Read(CUDeviceAttribute.PCIDomainID);
        PciBusId = Read(CUDeviceAttribute.PCIBusID);
        PciDeviceId = Read(CUDeviceAttribute.PCIDeviceID);
        ConcurrentKernels = Read(CUDeviceAttribute.ConcurrentKernels) != 0;
        EccEnabled = Read(CUDeviceAttribute.ECCEnabled) != 0;
        Integrated = Read(CUDeviceAttribute.Integrated) != 0;
        KernelExecTimeoutEnabled = Read(CUDeviceAttribute.KernelExecTimeout) != 0;
        UnifiedAddressing = Read(CUDeviceAttribute.UnifiedAddressing) != 0;
        CooperativeLaunch = Read(CUDeviceAttribute.CooperativeLaunch) != 0;
        MemoryPoolsSupported = Read(CUDeviceAttribute.MemoryPoolsSupported) != 0;
    }

    /// <summary>The number of the device.</summary>
    public int DeviceId { get; }

    /// <summary>Its name.</summary>
    public string DeviceName { get; }

    /// <summary>The CUDA version that the driver supports.</summary>
    public Version DriverVersion { get; }

    /// <summary>Bytes of device memory.</summary>
    public SizeT TotalGlobalMemory { get; }

    /// <summary>The compute capability, such as 9.0.</summary>
    public Version ComputeCapability { get; }

    /// <summary>The compute capability as in <c>sm_90</c>: 90.</summary>
    public int Architecture => ComputeCapability.Major * 10 + ComputeCapability.Minor;

    /// <summary>Number of streaming multiprocessors.</summary>
    public int MultiProcessorCount { get; }

    /// <summary>Threads in a warp.</summary>
    public int WarpSize { get; }

    /// <summary>Maximum threads in a block.</summary>
    public int MaxThreadsPerBlock { get; }

    /// <summary>Maximum resident threads per multiprocessor.</summary>
    public int MaxThreadsPerMultiProcessor { get; }

    /// <summary>Maximum resident blocks per multiprocessor.</summary>
    public int MaxBlocksPerMultiProcessor { get; }

    /// <summary>Maximum threads of a block along each dimension.</summary>
    public dim3 MaxBlockDim { get; }

    /// <summary>Maximum blocks of a grid along each dimension.</summary>
    public dim3 MaxGridDim { get; }

    /// <summary>Bytes of shared memory per block without opt-in.</summary>
    public int SharedMemoryPerBlock { get; }

    /// <summary>Bytes of shared memory per block with opt-in (<see cref="CudaKernel.MaxDynamicSharedMemory"/>).</summary>
    public int MaxSharedMemoryPerBlockOptin { get; }

    /// <summary>Bytes of shared memory per multiprocessor.</summary>
    public int SharedMemoryPerMultiprocessor { get; }

    /// <summary>Bytes of shared memory that the driver reserves per block.</summary>
    public int ReservedSharedMemoryPerBlock { get; }

    /// <summary>Registers per block.</summary>
    public int RegistersPerBlock { get; }

    /// <summary>Registers per multiprocessor.</summary>
    public int RegistersPerMultiprocessor { get; }

    /// <summary>Bytes of constant memory.</summary>
    public SizeT TotalConstantMemory { get; }

    /// <summary>Bytes of L2 cache.</summary>
    public int L2CacheSize { get; }

    /// <summary>Peak clock in kHz.</summary>
    public int ClockRate { get; }

    /// <summary>Peak memory clock in kHz.</summary>
    public int MemoryClockRate { get; }

    /// <summary>Memory bus width in bits.</summary>
    public int GlobalMemoryBusWidth { get; }

    /// <summary>Number of copy engines.</summary>
    public int AsyncEngineCount { get; }

    /// <summary>PCI domain.</summary>
    public int PciDomainId { get; }

    /// <summary>PCI bus.</summary>
    public int PciBusId { get; }

    /// <summary>PCI device.</summary>
    public int PciDeviceId { get; }

    /// <summary>Whether several kernels can run concurrently.</summary>
    public bool ConcurrentKernels { get; }

    /// <summary>Whether memory has error correction.</summary>
    public bool EccEnabled { get; }

    /// <summary>Whether device and host share memory.</summary>
    public bool Integrated { get; }

    /// <summary>Whether a watchdog stops kernels after some seconds (a display is attached).</summary>
    public bool KernelExecTimeoutEnabled { get; }

    /// <summary>Whether host and device share one address space.</summary>
    public bool UnifiedAddressing { get; }

    /// <summary>Whether kernels can synchronise across a whole grid.</summary>
    public bool CooperativeLaunch { get; }

    /// <summary>Whether stream-ordered memory pools are supported.</summary>
    public bool MemoryPoolsSupported { get; }

    internal static string ReadName(CUdevice device, int deviceId)
    {
        const int Length = 256;
        byte* name = stackalloc byte[Length];
        Driver.Check(DriverNative.cuDeviceGetName(name, Length, device), $"cuDeviceGetName(device={deviceId})");
        return Marshal.PtrToStringUTF8((nint)name)!;
    }
}
