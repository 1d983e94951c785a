using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using CsUnet.Cuda.BasicTypes;
using CsUnet.Cuda.Native;

namespace CsUnet.Cuda;

/// <summary>
/// What this binding knows of one driver context, shared by all <see cref="CudaContext"/> objects that wrap it: what lives in it, what was
/// launched in it, and whether it still exists.
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

    /// <summary>Wait after every launch, so that a fault is reported by the launch that caused it.</summary>
    internal bool SynchronizeAfterLaunch { get; set; } = Environment.GetEnvironmentVariable("CSUNET_CUDA_SYNC") == "1";

    /// <summary>A kernel failed and an exception said so; every further call fails with the same status.</summary>
    internal bool FaultReported { get; set; }

    internal bool IsDestroyed { get; private set; }

    /// <summary>
    /// The kernels launched since a capture began in this context; null while there is none. For naming a graph that fails.
    /// </summary>
    internal ConcurrentQueue<string>? Captured { get; set; }

    /// <summary>Every context that exists, and those that were destroyed while something still lived in them.</summary>
    internal static IEnumerable<ContextState> All => s_states.Values.Concat(s_abandoned);

    /// <summary>The state of the context that is current on this thread; null if there is none or it is not one of ours.</summary>
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

    /// <summary>Adds a reference to the state of a context that the driver has just handed out (again).</summary>
    internal static ContextState Acquire(CUcontext handle, CUdevice device, int deviceId)
    {
        lock (s_lock)
        {
            ContextState state = s_states.GetOrAdd(handle.Pointer, _ => new ContextState(handle, device, deviceId));
            state._references++;
            return state;
        }
    }

    /// <summary>Drops a reference and calls the driver; with the last one the context and everything in it are gone.</summary>
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
    /// Throws unless a call that gives something back succeeded. A context lost to a fault fails every call with the fault's status: once
    /// that was reported, repeating it would only hide the report, since Dispose often runs while the first exception is on its way up.
    /// </summary>
    internal void CheckRelease(CUResult result, [InterpolatedStringHandlerArgument(nameof(result))] ref CallText call)
    {
        if (!(FaultReported && Driver.IsDeviceFault(result)))
            Driver.Check(result, ref call);
    }

    /// <summary>The state of the context that is current on this thread.</summary>
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

    /// <summary>Runs an action with this context current, whatever was current before.</summary>
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
        ? $"the context of device {state.DeviceId}" : "a context that this program did not make";
}
