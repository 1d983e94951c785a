using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using CsUnet.Cuda.BasicTypes;
using CsUnet.Cuda.Native;

namespace CsUnet.Cuda;

/// <summary>
/// The state of one driver context, shared by all <see cref="CudaContext"/> objects that wrap it: its live resources, its recent launches,
/// and whether it still exists.
/// </summary>
internal sealed unsafe class ContextState
{
    private static readonly ConcurrentDictionary<nint, ContextState> s_states = new();
    private static readonly ConcurrentBag<ContextState> s_abandoned = [];
    private static readonly Lock s_lock = new();

    private int _references;

    private ContextState(CUcontext handle, CUdevice device, int deviceId) => (Handle, Device, DeviceId) = (handle, device, deviceId);

    internal CUcontext Handle { get; }

    internal CUdevice Device { get; }

    internal int DeviceId { get; }

    internal LaunchHistory History { get; } = new();

    internal ConcurrentDictionary<ResourceHandle, byte> Resources { get; } = new(ReferenceEqualityComparer.Instance);

    /// <summary>Whether to synchronise after every launch, so that the launch that causes a fault reports it.</summary>
    internal bool SynchronizeAfterLaunch { get; set; } = Environment.GetEnvironmentVariable("CSUNET_CUDA_SYNC") == "1";

    /// <summary>Whether an exception has reported a failed kernel. Every further call then fails with the same status.</summary>
    internal bool FaultReported { get; set; }

    internal bool IsDestroyed { get; private set; }

    /// <summary>
    /// The kernels launched since a capture began in this context; null without a capture. The error message of a failing graph names them.
    /// </summary>
    internal ConcurrentQueue<string>? Captured { get; set; }

    /// <summary>All existing contexts, and destroyed contexts with leaked resources.</summary>
    internal static IEnumerable<ContextState> All => s_states.Values.Concat(s_abandoned);

    /// <summary>The state of this thread's current context; null if there is none or this binding did not create it.</summary>
    internal static ContextState? Current
    {
        get
        {
            if (s_states.IsEmpty)
                return null;
            CUcontext current = default;
            return DriverNative.cuCtxGetCurrent(&current) == CUResult.Success && s_states.TryGetValue(current.Pointer,
                out ContextState? state)
                ? state : null;
        }
    }

    /// <summary>Adds a reference to the state of a context that the driver has just returned.</summary>
    internal static ContextState Acquire(CUcontext handle, CUdevice device, int deviceId)
    {
        lock (s_lock)
        {
            ContextState state = s_states.GetOrAdd(handle.Pointer, _ => new ContextState(handle, device, deviceId));
            state._references++;
            return state;
        }
    }

    /// <summary>Drops a reference and calls the driver. Dropping the last one destroys the context and everything in it.</summary>
    internal void Release(Func<ContextState, CUResult> release, string call)
    {
        lock (s_lock)
        {
            bool last = --_references == 0;
            if (last)
            {
                IsDestroyed = true;
                s_states.TryRemove(Handle.Pointer, out _);
                if (!Resources.IsEmpty)
                    s_abandoned.Add(this);
            }
            CUResult result = release(this);
            CheckRelease(result, $"{call}");
        }
    }

    /// <summary>
    /// Throws if a call that releases a resource failed. After a kernel's fault every call on the context fails with the fault's status.
    /// Once that is reported, do not repeat it: Dispose often runs while the first exception unwinds the stack, and a second one would hide
    /// it. </summary>
    internal void CheckRelease(CUResult result, [InterpolatedStringHandlerArgument(nameof(result))] ref CallText call)
    {
        if (!(FaultReported && Driver.IsDeviceFault(result)))
            Driver.Check(result, ref call);
    }

    /// <summary>The state of this thread's current context.</summary>
    /// <exception cref="CudaException">There is none.</exception>
    internal static ContextState RequireCurrent(string operation) => Current ?? throw NoContext(operation);

    /// <summary>Checks that this context exists and is current on this thread.</summary>
    /// <exception cref="ObjectDisposedException">The context was disposed.</exception>
    /// <exception cref="CudaException">No context or another one is current on this thread.</exception>
    internal void RequireThis(string operation)
    {
        CUcontext current = default;
        if (!IsDestroyed && DriverNative.cuCtxGetCurrent(&current) == CUResult.Success && current == Handle)
            return;
        if (IsDestroyed)
            throw new ObjectDisposedException(nameof(CudaContext), $"{operation}: its CUDA context (device {DeviceId}) was disposed.");
        if (current == default)
            throw NoContext(operation);
        throw new CudaException(CUResult.ErrorInvalidContext, operation,
            $"belongs to the context of device {DeviceId}, but {Describe(current)} is " +
            $"current on thread {Environment.CurrentManagedThreadId}. Call SetCurrent() of the right context first");
    }

    /// <summary>Runs an action with this context current, and restores the previous one.</summary>
    internal void Enter(Action action)
    {
        CUcontext previous = default;
        Driver.Check(DriverNative.cuCtxGetCurrent(&previous), $"cuCtxGetCurrent()");
        if (previous == Handle)
        {
            action();
            return;
        }
        Driver.Check(DriverNative.cuCtxSetCurrent(Handle), $"cuCtxSetCurrent(context of device {DeviceId})");
        try
        {
            action();
        }
        finally
        {
            Driver.Check(DriverNative.cuCtxSetCurrent(previous), $"cuCtxSetCurrent(previous context)");
        }
    }

    /// <summary>Finds the owner of a raw handle.</summary>
    internal ResourceHandle? Find(ResourceKind kind, nint pointer)
        => Resources.Keys.FirstOrDefault(resource => resource.Kind == kind && resource.Raw == pointer);

    private static CudaException NoContext(string operation) => new(CUResult.ErrorInvalidContext, operation,
        $"no CUDA context of this program is current on thread {Environment.CurrentManagedThreadId}. A context is current per thread: " +
        "call SetCurrent() of a CudaContext on every thread that uses it");

    private static string Describe(CUcontext context) => s_states.TryGetValue(context.Pointer, out ContextState? state)
        ? $"the context of device {state.DeviceId}" : "a context that this program did not create";
}
