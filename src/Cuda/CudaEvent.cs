using CsUnet.Cuda.BasicTypes;
using CsUnet.Cuda.Native;

namespace CsUnet.Cuda;

/// <summary>
/// A point in a stream that others can wait for. Two events measure the time between them. Members may be called from any thread on
/// which its context is current.
/// </summary>
public sealed unsafe class CudaEvent : IDisposable
{
    private readonly ResourceHandle _handle;

    /// <summary>Creates an event that measures time.</summary>
    public CudaEvent() : this(CUEventFlags.Default) { }

    /// <summary>Creates an event in the current context.</summary>
    public CudaEvent(CUEventFlags flags)
    {
        ContextState context = ContextState.RequireCurrent("CudaEvent");
        CUevent created = default;
        Driver.Check(DriverNative.cuEventCreate(&created, flags), $"cuEventCreate(flags={flags})");
        _handle = new ResourceHandle(context, ResourceKind.Event, created.Pointer, nameof(CudaEvent), handle
            => DriverNative.cuEventDestroy(new CUevent(handle)));
    }

    /// <summary>The driver's handle.</summary>
    public CUevent Event => new(_handle.Value);

    /// <summary>Enqueues the event on the default stream.</summary>
    public void Record() => Record(CUstream.NullStream);

    /// <summary>Enqueues the event on a stream: it is reached when all work before it is done.</summary>
    public void Record(CUstream stream)
        => Driver.Check(DriverNative.cuEventRecord(Enter("CudaEvent.Record"), stream),
            $"cuEventRecord(event=0x{_handle.Raw:x}, stream=0x{stream.Pointer:x})");

    /// <summary>Waits for the last recorded point.</summary>
    /// <exception cref="CudaException">A kernel failed; the message names the last ones launched.</exception>
    public void Synchronize()
        => Driver.Check(DriverNative.cuEventSynchronize(Enter("CudaEvent.Synchronize")), $"cuEventSynchronize(event=0x{_handle.Raw:x})");

    /// <summary>Whether the last record has been reached.</summary>
    public bool Query()
    {
        CUResult result = DriverNative.cuEventQuery(Enter("CudaEvent.Query"));
        if (result == CUResult.ErrorNotReady)
            return false;
        Driver.Check(result, $"cuEventQuery(event=0x{_handle.Raw:x})");
        return true;
    }

    /// <summary>The time between two events that have been reached, in milliseconds (resolution about half a microsecond).</summary>
    /// <param name="eStart">The earlier event.</param>
    /// <param name="eEnd">The later event.</param>
    /// <exception cref="CudaException">One of them was not recorded, was not reached yet, or measures no time.</exception>
    public static float ElapsedTime(CudaEvent eStart, CudaEvent eEnd)
    {
        float milliseconds = 0;
        CUResult result = DriverNative.cuEventElapsedTime(&milliseconds, eStart.Enter("CudaEvent.ElapsedTime"),
            eEnd.Enter("CudaEvent.ElapsedTime"));
        if (result == CUResult.ErrorNotReady)
            throw new CudaException(result, "cuEventElapsedTime",
                "an event has not been reached yet: call Synchronize() of the later event first");
        Driver.Check(result, $"cuEventElapsedTime(start=0x{eStart._handle.Raw:x}, end=0x{eEnd._handle.Raw:x})");
        return milliseconds;
    }

    /// <summary>Destroys the event.</summary>
    public void Dispose() => _handle.Release("cuEventDestroy");

    private CUevent Enter(string operation) => new(_handle.Enter(operation));
}
