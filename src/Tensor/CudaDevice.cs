using System.Collections.Concurrent;
using CsUnet.Cuda;
using CsUnet.Cuda.BasicTypes;

namespace CsUnet.Tensors;

/// <summary>
/// A CUDA device as the engine uses it: the primary context and one stream. The stream orders all work, so a copy to the host sees the
/// results of all earlier launches.
/// </summary>
public sealed unsafe class CudaDevice
{
    private static readonly Lock s_lock = new();
    // Indexed by device number. Opening a device replaces the whole array, so that a lookup takes no lock.
    private static volatile CudaDevice?[] s_devices = [];

    // Blocks of tensors that the GC collected. The finaliser's thread has no CUDA context, so the next allocation frees them.
    private readonly ConcurrentQueue<CudaDeviceVariable<byte>> _collected = [];

    private Tensor? _stepWord;
    private uint? _step;

    private CudaDevice(int index)
    {
        Device = new Device(DeviceKind.Cuda, index);
        Context = new PrimaryContext(index);
        Context.SetCurrent();
        Properties = Context.GetDeviceInfo();
        if (Properties.ComputeCapability < new Version(8, 0))
            throw new CudaException(
                $"{Properties.DeviceName} has compute capability {Properties.ComputeCapability}; the kernels need 8.0 (Ampere) or newer");
        Stream = new CudaStream(CUStreamFlags.NonBlocking);
        CopyStream = new CudaStream(CUStreamFlags.NonBlocking);
        // Keep freed memory in the pool for the next allocation; otherwise it is unmapped and mapped again after every wait.
        if (Properties.MemoryPoolsSupported)
            new CudaMemoryPool(Context.Device, isDefault: true).SetAttribute(CUmemPool_attribute.ReleaseThreshold, ulong.MaxValue);
    }

    /// <summary>The device's kind and number.</summary>
    public Device Device { get; }

    /// <summary>The primary context.</summary>
    public PrimaryContext Context { get; }

    /// <summary>The stream that orders all work.</summary>
    public CudaStream Stream { get; }

    /// <summary>A second stream, which copies inputs while the first one computes; events synchronise the two.</summary>
    public CudaStream CopyStream { get; }

    /// <summary>Whether <see cref="Record"/> is capturing work now.</summary>
    public bool IsRecording { get; private set; }

    /// <summary>Name, limits and sizes.</summary>
    public CudaDeviceProperties Properties { get; }

    /// <summary>
    /// The device of a kind and number. The first call opens it. Every call makes its context current on the calling thread. A tensor knows
    /// its own device: <see cref="Tensor.CudaDevice"/>.
    /// </summary>
    /// <exception cref="CudaException">The device does not exist, or there is no driver; the message says what was tried.</exception>
    public static CudaDevice Get(Device device)
    {
        if (device.Kind != DeviceKind.Cuda)
            throw new ArgumentException($"{device} is not a CUDA device", nameof(device));
        CudaDevice found = Find(device.Index) ?? Open(device.Index);
        found.Context.SetCurrent();
        return found;
    }

    private static CudaDevice? Find(int index) => s_devices is var devices && (uint)index < (uint)devices.Length ? devices[index] : null;

    private static CudaDevice Open(int index)
    {
        lock (s_lock)
        {
            if (Find(index) is { } opened)
                return opened;
            var device = new CudaDevice(index);
            CudaDevice?[] devices = [.. s_devices, .. new CudaDevice?[Math.Max(0, index + 1 - s_devices.Length)]];
            devices[index] = device;
            s_devices = devices;
            return device;
        }
    }

    /// <summary>
    /// Captures what an action enqueues on <see cref="Stream"/> into a CUDA graph instead of running it. The tensors that the action uses
    /// must keep their addresses for as long as the graph is launched. Temporaries of a <see cref="StepArena"/> step keep them until the
    /// arena is disposed.
    /// </summary>
    /// <returns>The graph; the caller disposes it.</returns>
    /// <exception cref="RecordingException">The action did something that cannot be recorded.</exception>
    public CudaGraphExec Record(Action action)
    {
        if (IsRecording)
            throw new RecordingException("it is being recorded already");
        // ThreadLocal: other threads may continue with work of their own, such as freeing memory.
        Stream.BeginCapture(CUstreamCaptureMode.ThreadLocal);
        IsRecording = true;
        try
        {
            action();
        }
        catch
        {
            IsRecording = false;
            EndBrokenCapture();
            throw;
        }
        IsRecording = false;
        using CudaGraph graph = Stream.EndCapture();
        return graph.Instantiate(CUgraphInstantiate_flags.None);
    }

    private void EndBrokenCapture()
    {
        try
        {
            Stream.EndCapture().Dispose();
        }
        catch (CudaException failure) when (
            failure.CudaError is CUResult.ErrorStreamCaptureInvalidated or CUResult.ErrorStreamCaptureUnmatched)
        {
            // Expected: the call that invalidated the capture throws its own, more specific exception.
        }
    }

    /// <summary>Throws if a capture is in progress.</summary>
    /// <param name="problem">What the caller would do that a capture does not allow.</param>
    /// <exception cref="RecordingException">A capture is in progress.</exception>
    public void RequireNotRecording(string problem)
    {
        if (IsRecording)
            throw new RecordingException(problem);
    }

    internal CudaDeviceVariable<byte> Allocate(long bytes)
    {
        Context.SetCurrent();
        RequireNotRecording($"graph capture needs {bytes} more bytes of device memory than the warm-up step");
        bytes = Math.Max(1, bytes);
        FreeCollected();
        try
        {
            return new CudaDeviceVariable<byte>(bytes, Stream);
        }
        catch (CudaException failure) when (failure.CudaError == CUResult.ErrorOutOfMemory)
        {
            // Unreachable tensors keep device memory until the GC finalises them, and the GC sees no device pressure: collect, then retry.
            GC.Collect();
            GC.WaitForPendingFinalizers();
            FreeCollected();
            Stream.Synchronize();
            if (Properties.MemoryPoolsSupported)
                new CudaMemoryPool(Context.Device, isDefault: true).TrimTo(0);
        }
        return new CudaDeviceVariable<byte>(bytes, Stream);
    }

    private void FreeCollected()
    {
        while (_collected.TryDequeue(out CudaDeviceVariable<byte>? block))
            block.Dispose(Stream);
    }

    internal void Free(CudaDeviceVariable<byte> block)
    {
        Context.SetCurrent();
        block.Dispose(Stream);
    }

    /// <summary>
    /// Queues a block whose last tensor the GC collected. It does not call the driver: it runs on the finaliser's thread, where an
    /// exception ends the process.
    /// </summary>
    internal void FreeLater(CudaDeviceVariable<byte> block) => _collected.Enqueue(block);

    /// <summary>Waits until all work enqueued so far is done.</summary>
    public void Synchronize()
    {
        RequireNotRecording("it waits for the device");
        Stream.Synchronize();
    }

    /// <summary>
    /// Waits until all work and copies enqueued so far are done, so that their memory can be freed. After a reported fault it returns at
    /// once: there is no work left to wait for, and a second exception would hide the report.
    /// </summary>
    public void SynchronizeToFree()
    {
        if (Context.HasReportedFault)
            return;
        Context.SetCurrent();
        CopyStream.Synchronize();
        Synchronize();
    }

    /// <summary>Sets the first four bytes of a tensor on this device, in stream order; copies nothing from the host.</summary>
    public void SetWord(Tensor target, uint value)
    {
        RequireNotRecording($"it would set a word of device memory to the value of this step, {value}");
        SetWords(target.DevicePointer, value, 1);
        GC.KeepAlive(target);
    }

    /// <summary>
    /// Four bytes of device memory from which kernels read the step number of their random numbers. The call sets them to
    /// <paramref name="step"/> in stream order; if they hold it already, it enqueues nothing. Every call returns the same tensor.
    /// </summary>
    /// <exception cref="RecordingException">A capture is in progress, and the tensor holds another step.</exception>
    public Tensor StepWord(uint step)
    {
        if (_stepWord is null)
        {
            using StepArena.PersistentScope scope = StepArena.Suspend();
            _stepWord = Tensor.Empty([sizeof(uint)], DType.UInt8, Device);
        }
        if (_step != step)
        {
            SetWord(_stepWord, step);
            _step = step;
        }
        return _stepWord;
    }

    internal void CopyToDevice(void* source, CUdeviceptr target, long bytes)
    {
        if (bytes == 0)
            return;
        RequireNotRecording($"it copies {bytes} bytes from the host to the device");
        Context.SetCurrent();
        // The host memory is pageable: the call returns after it has read the source.
        View(target, bytes).AsyncCopyToDevice((nint)source, 0, 0, bytes, Stream.Stream);
        Stream.Synchronize();
    }

    internal void CopyToHost(CUdeviceptr source, void* target, long bytes)
    {
        if (bytes == 0)
            return;
        RequireNotRecording($"it copies {bytes} bytes from the device to the host");
        Context.SetCurrent();
        View(source, bytes).AsyncCopyToHost((nint)target, 0, 0, bytes, Stream.Stream);
        Stream.Synchronize();
    }

    internal void Copy(CUdeviceptr source, CUdeviceptr target, long bytes)
    {
        if (bytes == 0)
            return;
        Context.SetCurrent();
        View(target, bytes).AsyncCopyToDevice(View(source, bytes), Stream.Stream);
    }

    internal void SetBytes(CUdeviceptr target, byte value, long bytes)
    {
        if (bytes == 0)
            return;
        Context.SetCurrent();
        View(target, bytes).MemsetAsync(value, Stream.Stream);
    }

    internal void SetHalfWords(CUdeviceptr target, ushort value, long halfWords)
    {
        if (halfWords == 0)
            return;
        Context.SetCurrent();
        new CudaDeviceVariable<ushort>(target, sizeof(ushort) * halfWords).MemsetAsync(value, Stream.Stream);
    }

    internal void SetWords(CUdeviceptr target, uint value, long words)
    {
        if (words == 0)
            return;
        Context.SetCurrent();
        new CudaDeviceVariable<uint>(target, sizeof(uint) * words).MemsetAsync(value, Stream.Stream);
    }

    private static CudaDeviceVariable<byte> View(CUdeviceptr pointer, long bytes) => new(pointer, bytes);
}
