using System.Collections.Concurrent;
using CsUnet.Cuda.BasicTypes;
using CsUnet.Cuda.Native;

namespace CsUnet.Cuda;

/// <summary>
/// A stream: work runs in the order it was enqueued, concurrently with other streams. Members may be called from any thread on which its
/// context is current. For the default stream use <see cref="CUstream.NullStream"/>.
/// </summary>
public sealed unsafe class CudaStream : IDisposable
{
    private readonly ResourceHandle _handle;

    /// <summary>Creates a stream that synchronises with the default stream.</summary>
    public CudaStream() : this(CUStreamFlags.None) { }

    /// <summary>Creates a stream in the current context.</summary>
    /// <param name="flags">How it relates to the default stream.</param>
    public CudaStream(CUStreamFlags flags)
    {
        ContextState context = ContextState.RequireCurrent("CudaStream");
        CUstream stream = default;
        Driver.Check(DriverNative.cuStreamCreate(&stream, flags), $"cuStreamCreate(flags={flags})");
        _handle = Own(context, stream);
    }

    /// <summary>Creates a stream with a priority in the current context.</summary>
    /// <param name="priority">Lower numbers run first; 0 is the default.</param>
    /// <param name="flags">How it relates to the default stream.</param>
    public CudaStream(int priority, CUStreamFlags flags)
    {
        ContextState context = ContextState.RequireCurrent("CudaStream");
        CUstream stream = default;
        Driver.Check(DriverNative.cuStreamCreateWithPriority(&stream, flags, priority),
            $"cuStreamCreateWithPriority(flags={flags}, priority={priority})");
        _handle = Own(context, stream);
    }

    /// <summary>Wraps a stream owned elsewhere.</summary>
    public CudaStream(CUstream stream)
        => _handle = new ResourceHandle(ContextState.RequireCurrent("CudaStream"), ResourceKind.Stream, stream.Pointer, nameof(CudaStream),
            null);

    /// <summary>The driver's handle.</summary>
    public CUstream Stream => new(_handle.Value);

    /// <summary>Waits for all work of the stream.</summary>
    /// <exception cref="CudaException">A kernel failed; the message names the last ones launched.</exception>
    public void Synchronize()
        => Driver.Check(DriverNative.cuStreamSynchronize(Enter("CudaStream.Synchronize")),
            $"cuStreamSynchronize(stream=0x{_handle.Raw:x})");

    /// <summary>Whether all work of the stream is done.</summary>
    public bool Query()
    {
        CUResult result = DriverNative.cuStreamQuery(Enter("CudaStream.Query"));
        if (result == CUResult.ErrorNotReady)
            return false;
        Driver.Check(result, $"cuStreamQuery(stream=0x{_handle.Raw:x})");
        return true;
    }

    /// <summary>Makes work that is enqueued from now on wait for the event's last recorded point.</summary>
    public void WaitEvent(CUevent cuevent)
        => Driver.Check(DriverNative.cuStreamWaitEvent(Enter("CudaStream.WaitEvent"), cuevent, 0),
            $"cuStreamWaitEvent(stream=0x{_handle.Raw:x}, event=0x{cuevent.Pointer:x})");

    /// <summary>Begins stream capture: until <see cref="EndCapture"/>, work enqueued on this stream is recorded instead of run.</summary>
    /// <param name="mode">What other threads may do meanwhile.</param>
    public void BeginCapture(CUstreamCaptureMode mode)
    {
        Driver.Check(DriverNative.cuStreamBeginCapture(Enter("CudaStream.BeginCapture"), mode),
            $"cuStreamBeginCapture(stream=0x{_handle.Raw:x}, mode={mode})");
        _handle.Context.Captured = new ConcurrentQueue<string>();
    }

    /// <summary>Ends a capture.</summary>
    /// <returns>The captured work. The caller disposes it.</returns>
    /// <exception cref="CudaException">A call that is forbidden during capture invalidated it.</exception>
    public CudaGraph EndCapture()
    {
        CUgraph graph = default;
        string[] kernels = [.. _handle.Context.Captured ?? []];
        _handle.Context.Captured = null;
        Driver.Check(DriverNative.cuStreamEndCapture(Enter("CudaStream.EndCapture"), &graph),
            $"cuStreamEndCapture(stream=0x{_handle.Raw:x})");
        return new CudaGraph(_handle.Context, graph, kernels);
    }

    /// <summary>Whether the stream is being captured.</summary>
    public CUstreamCaptureStatus IsCapturing()
    {
        CUstreamCaptureStatus status = default;
        Driver.Check(DriverNative.cuStreamIsCapturing(Enter("CudaStream.IsCapturing"), &status),
            $"cuStreamIsCapturing(stream=0x{_handle.Raw:x})");
        return status;
    }

    /// <summary>Destroys the stream; pending work still runs to completion.</summary>
    public void Dispose() => _handle.Release("cuStreamDestroy");

    internal CUstream Enter(string operation) => new(_handle.Enter(operation));

    private static ResourceHandle Own(ContextState context, CUstream stream) => new(context, ResourceKind.Stream, stream.Pointer,
        nameof(CudaStream), handle => DriverNative.cuStreamDestroy(new CUstream(handle)));
}
