using CsUnet.Cuda;
using CsUnet.Cuda.BasicTypes;
using CsUnet.Data;
using CsUnet.Tensors;

namespace CsUnet.Training;

/// <summary>
/// Double-buffered upload of a step's inputs. Images, labels and update settings share one pinned buffer. They are copied on their own
/// stream while the previous step computes, and then move to the fixed addresses that the CUDA graph reads.
/// </summary>
internal sealed class StagedInputs : IDisposable
{
    private const int Alignment = 256;

    private readonly CudaDevice _device;
    private readonly long _labelStart, _settingStart;
    private readonly Tensor _current;
    private readonly Buffer[] _buffers;
    private int _next;

    /// <summary>Allocates buffers for one batch shape and a number of settings, then waits for the device.</summary>
    public StagedInputs(Device device, Batch batch, int settings)
    {
        _device = CudaDevice.Get(device);
        _labelStart = Align(batch.Images.Bytes);
        _settingStart = _labelStart + Align(batch.Labels.Bytes);
        long bytes = _settingStart + settings * sizeof(float);
        using StepArena.PersistentScope scope = StepArena.Suspend();
        _current = Tensor.Empty([checked((int)bytes)], DType.UInt8, device);
        Images = Part(0, batch.Images.Shape, batch.Images.DType);
        Labels = Part(_labelStart, batch.Labels.Shape, batch.Labels.DType);
        Settings = Part(_settingStart, [settings], DType.Float32);
        _buffers = [new Buffer(_current), new Buffer(_current)];
        // The memory is allocated in the order of the device's stream, but another stream also uses it.
        _device.Synchronize();
    }

    /// <summary>The images of the step, on the device.</summary>
    public Tensor Images { get; }

    /// <summary>The labels of the step, on the device.</summary>
    public Tensor Labels { get; }

    /// <summary>The settings of the step's update, on the device.</summary>
    public Tensor Settings { get; }

    /// <summary>Whether a batch matches the buffers' shapes and types.</summary>
    public bool Fits(Batch batch) => batch.Images.Shape == Images.Shape && batch.Labels.Shape == Labels.Shape
        && batch.Images.DType == Images.DType && batch.Labels.DType == Labels.DType;

    /// <summary>Enqueues the upload of the next step's inputs. Afterwards the caller may change the batch and the settings.</summary>
    public void Upload(Batch batch, ReadOnlySpan<float> settings)
    {
        Buffer buffer = _buffers[_next];
        _next = 1 - _next;
        // This buffer was last used two steps ago. Its pinned memory is free once that copy has finished.
        buffer.Arrived.Synchronize();
        Span<byte> host = buffer.Host.AsSpan();
        Bytes(batch.Images).CopyTo(host);
        Bytes(batch.Labels).CopyTo(host[(int)_labelStart..]);
        System.Runtime.InteropServices.MemoryMarshal.AsBytes(settings).CopyTo(host[(int)_settingStart..]);
        CUstream copies = _device.CopyStream.Stream;
        _device.CopyStream.WaitEvent(buffer.Taken.Event);
        new CudaDeviceVariable<byte>(buffer.Staged.DevicePointer, buffer.Staged.Bytes).AsyncCopyToDevice(buffer.Host, copies);
        buffer.Arrived.Record(copies);
        _device.Stream.WaitEvent(buffer.Arrived.Event);
        _current.CopyFrom(buffer.Staged);
        buffer.Taken.Record(_device.Stream.Stream);
    }

    private static unsafe ReadOnlySpan<byte> Bytes(Tensor tensor) => new(tensor.RawPointer, checked((int)tensor.Bytes));

    private static long Align(long bytes) => (bytes + Alignment - 1) / Alignment * Alignment;

    private Tensor Part(long start, Shape shape, DType type) =>
        _current.Slice((int)start, checked((int)shape.Count * type.Size())).Reinterpret(shape, type);

    /// <summary>Waits for the copies, then frees the memory.</summary>
    public void Dispose()
    {
        _device.SynchronizeToFree();
        foreach (Buffer buffer in _buffers)
            buffer.Dispose();
    }

    /// <summary>One of the two buffers: pinned memory on the host and its copy on the device.</summary>
    private sealed class Buffer(Tensor like) : IDisposable
    {
        public CudaPageLockedHostMemory<byte> Host { get; } = new(like.Bytes);

        public Tensor Staged { get; } = Tensor.EmptyLike(like);

        /// <summary>Signals that the copy to the device has finished.</summary>
        public CudaEvent Arrived { get; } = new(CUEventFlags.DisableTiming);

        /// <summary>Signals that the inputs have moved to the fixed addresses.</summary>
        public CudaEvent Taken { get; } = new(CUEventFlags.DisableTiming);

        public void Dispose()
        {
            Host.Dispose();
            Arrived.Dispose();
            Taken.Dispose();
        }
    }
}
