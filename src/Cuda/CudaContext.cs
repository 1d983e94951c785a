using CsUnet.Cuda.BasicTypes;
using CsUnet.Cuda.Native;

namespace CsUnet.Cuda;

/// <summary>
/// A context: this process's memory, modules and streams on one device. Every thread has its own current context, which calls use.
/// Use <see cref="PrimaryContext"/> unless you need an isolated context.
/// </summary>
/// <remarks>
/// Call members from any thread on which the context is current. Such threads may share the objects of a context (streams, memory, modules,
/// kernels); a stream runs work in the order of the calls. Disposing the last
/// <see cref="CudaContext"/> of a driver context frees everything in it; its objects then throw
/// <see cref="ObjectDisposedException"/> when used.
/// </remarks>
public unsafe class CudaContext : IDisposable
{
    private bool _disposed;

    /// <summary>Creates a context on device 0 and makes it current on this thread.</summary>
    public CudaContext() : this(0) { }

    /// <summary>Creates a context on a device and makes it current on this thread.</summary>
    /// <param name="deviceId">The number of the device.</param>
    public CudaContext(int deviceId) : this(deviceId, CUCtxFlags.SchedAuto) { }

    /// <summary>Creates a context on a device and makes it current on this thread.</summary>
    /// <param name="deviceId">The number of the device, from 0.</param>
    /// <param name="flags">How to wait for the device.</param>
    /// <exception cref="CudaException">There is no such device, or the driver refuses.</exception>
    public CudaContext(int deviceId, CUCtxFlags flags)
    {
        CUdevice device = GetCUdevice(deviceId);
        CUcontext context = default;
        Driver.Check(DriverNative.cuCtxCreate(&context, flags, device), $"cuCtxCreate(flags={flags}, device={deviceId})");
        State = ContextState.Acquire(context, device, deviceId);
    }

    /// <summary>Wraps the primary context.</summary>
    private protected CudaContext(int deviceId, CUdevice device, CUcontext context) => State = ContextState.Acquire(context, device,
        deviceId);

    /// <summary>The driver's handle.</summary>
    public CUcontext Context => Alive().Handle;

    /// <summary>The driver's handle of the device.</summary>
    public CUdevice Device => State.Device;

    /// <summary>The number of the device.</summary>
    public int DeviceId => State.DeviceId;

    /// <summary>
    /// Whether every launch waits for its kernel, so that the launch that causes a fault reports it. Slow. On by default if
    /// the environment variable <c>CSUNET_CUDA_SYNC</c> is 1. Launches into a captured stream do not wait.
    /// </summary>
    public bool SynchronizeAfterLaunch
    {
        get => State.SynchronizeAfterLaunch;
        set => State.SynchronizeAfterLaunch = value;
    }

    /// <summary>
    /// Whether an exception has reported a failed kernel. The context is then lost: every further call fails with the same status, except
    /// calls that release resources, which do nothing.
    /// </summary>
    public bool HasReportedFault => State.FaultReported;

    /// <summary>
    /// Whether every allocation records its call stack, for <see cref="LiveAllocations"/>. Slow. On by default if the
    /// environment variable <c>CSUNET_CUDA_STACKS</c> is 1.
    /// </summary>
    public static bool RecordAllocationStacks { get; set; } = Environment.GetEnvironmentVariable("CSUNET_CUDA_STACKS") == "1";

    /// <summary>
    /// All memory of all contexts that was allocated through this binding and whose owner was not disposed. Memory listed here at the end
    /// of a test has leaked, even if the context is destroyed.
    /// </summary>
    public static IReadOnlyList<LiveAllocation> LiveAllocations => [.. Live(ContextState.All)];

    /// <summary>Number of live objects of each kind in this context.</summary>
    public IReadOnlyDictionary<ResourceKind, int> LiveResources
        => State.Resources.Keys.GroupBy(resource => resource.Kind).ToDictionary(group => group.Key, group => group.Count());

    internal ContextState State { get; }

    /// <summary>Number of devices.</summary>
    /// <exception cref="CudaException">There is no driver, or it finds no device.</exception>
    public static int GetDeviceCount()
    {
        Driver.Initialize();
        int count = 0;
        Driver.Check(DriverNative.cuDeviceGetCount(&count), $"cuDeviceGetCount()");
        return count;
    }

    /// <summary>The name of a device.</summary>
    public static string GetDeviceName(int deviceId) => CudaDeviceProperties.ReadName(GetCUdevice(deviceId), deviceId);

    /// <summary>The properties of a device; needs no context.</summary>
    public static CudaDeviceProperties GetDeviceInfo(int deviceId) => new(GetCUdevice(deviceId), deviceId);

    /// <summary>The properties of this context's device.</summary>
    public CudaDeviceProperties GetDeviceInfo() => new(State.Device, State.DeviceId);

    /// <summary>The CUDA version that the driver supports, such as 12.4.</summary>
    public static Version GetDriverVersion()
    {
        Driver.Initialize();
        int version = 0;
        Driver.Check(DriverNative.cuDriverGetVersion(&version), $"cuDriverGetVersion()");
        return new Version(version / 1000, version % 1000 / 10);
    }

    /// <summary>Makes this context current on this thread.</summary>
    public void SetCurrent()
        => Driver.Check(DriverNative.cuCtxSetCurrent(Alive().Handle), $"cuCtxSetCurrent(context of device {DeviceId})");

    /// <summary>Waits for all work of this context.</summary>
    /// <exception cref="CudaException">A kernel failed; the message names the last ones launched.</exception>
    public void Synchronize()
    {
        Alive().RequireThis("CudaContext.Synchronize");
        long position = State.History.Position;
        Driver.Check(DriverNative.cuCtxSynchronize(), $"cuCtxSynchronize()");
        State.History.Complete(position);
    }

    /// <summary>Free device memory in bytes.</summary>
    public SizeT GetFreeDeviceMemorySize() => MemoryInfo().Free;

    /// <summary>Total device memory in bytes.</summary>
    public SizeT GetTotalDeviceMemorySize() => MemoryInfo().Total;

    /// <summary>
    /// Loads a module (PTX text that ends with a zero, or a cubin). It belongs to the context until <see cref="UnloadModule"/>.
    /// </summary>
    /// <param name="modulePTX">The image.</param>
    /// <exception cref="CudaException">The image does not fit the device; for PTX the message holds the compiler's log.</exception>
    public CUmodule LoadModulePTX(byte[] modulePTX)
    {
        Alive().RequireThis("CudaContext.LoadModulePTX");
        return new CUmodule(CudaModule.Load(State, modulePTX, "module").Raw);
    }

    /// <summary>Loads a module from a file; see <see cref="LoadModulePTX(byte[])"/>.</summary>
    /// <param name="moduleImagePath">A PTX or cubin file.</param>
    public CUmodule LoadModule(string moduleImagePath) => LoadModulePTX(CudaModule.ReadImage(moduleImagePath));

    /// <summary>Unloads a module; its kernels can no longer be used.</summary>
    public void UnloadModule(CUmodule aModule)
    {
        ResourceHandle module = Alive().Find(ResourceKind.Module, aModule.Pointer)
            ?? throw new ArgumentException($"CudaContext.UnloadModule: 0x{aModule.Pointer:x} is not a module of this context (any more).");
        module.Release("cuModuleUnload");
    }

    /// <summary>Loads a module and returns one of its kernels.</summary>
    /// <param name="moduleImage">The image.</param>
    /// <param name="kernelName">The (lowered) name of the kernel.</param>
    public CudaKernel LoadKernelPTX(byte[] moduleImage, string kernelName)
    {
        Alive().RequireThis("CudaContext.LoadKernelPTX");
        return new CudaKernel(CudaModule.Load(State, moduleImage, kernelName), kernelName);
    }

    /// <summary>Loads a module from a file and returns one of its kernels.</summary>
    /// <param name="modulePath">A PTX or cubin file.</param>
    /// <param name="kernelName">The (lowered) name of the kernel.</param>
    public CudaKernel LoadKernel(string modulePath, string kernelName) => LoadKernelPTX(CudaModule.ReadImage(modulePath), kernelName);

    /// <summary>Releases the context; see the remarks of the class.</summary>
    /// <exception cref="CudaException">A kernel failed and no call has reported it yet.</exception>
    public void Dispose()
    {
        if (_disposed)
            return;
        _disposed = true;
        GC.SuppressFinalize(this);
        ReleaseContext();
    }

    /// <summary>Destroys the context or drops a reference to it.</summary>
    private protected virtual void ReleaseContext()
        => State.Release(state => DriverNative.cuCtxDestroy(state.Handle), $"cuCtxDestroy(context of device {DeviceId})");

    internal static CUdevice GetCUdevice(int deviceId)
    {
        int count = GetDeviceCount();
        if (deviceId < 0 || deviceId >= count)
        {
            throw new CudaException(CUResult.ErrorInvalidDevice, $"CudaContext(device={deviceId})",
                $"there {(count == 1 ? "is 1 device" : $"are {count} devices")}" +
                (count == 0 ? "" : $", numbered from 0 to {count - 1}"));
        }
        CUdevice device = default;
        Driver.Check(DriverNative.cuDeviceGet(&device, deviceId), $"cuDeviceGet(ordinal={deviceId})");
        return device;
    }

    private ContextState Alive()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        return State;
    }

    private (ulong Free, ulong Total) MemoryInfo()
    {
        Alive().RequireThis("CudaContext.GetFreeDeviceMemorySize");
        nuint free = 0, total = 0;
        Driver.Check(DriverNative.cuMemGetInfo(&free, &total), $"cuMemGetInfo()");
        return (free, total);
    }

    private static IEnumerable<LiveAllocation> Live(IEnumerable<ContextState> states)
        => from state in states
           from resource in state.Resources.Keys
           where resource.Kind is ResourceKind.DeviceMemory or ResourceKind.PoolMemory or ResourceKind.HostMemory
           select new LiveAllocation(resource.Kind, (ulong)resource.Raw, resource.Bytes, state.DeviceId, resource.Stack);
}
