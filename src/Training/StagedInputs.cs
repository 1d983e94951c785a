using CsUnet.Cuda;
using CsUnet.Cuda.BasicTypes;
using CsUnet.Data;
using CsUnet.Tensors;

namespace CsUnet.Training;

/// <summary>
/// The way of a step's inputs to a CUDA device: images, labels and the settings of the update lie together in page-locked memory, go to the
/// device on a stream of their own while the step before computes, and are then moved to where every step reads them, which never changes.
/// Two such ways alternate.
/// </summary>
internal sealed class StagedInputs : IDisposable
{
    private const int Alignment = 256;

    private readonly CudaDevice _device;
    private readonly long _labelStart, _settingStart;
    private readonly Tensor _current;
    private readonly Way[] _ways;
    private int _next;

    /// <summary>Room for batches like one, and for a number of settings; waits for the device.</summary>
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
        _ways = [new Way(_current), new Way(_current)];
        // Allocated in the order of the device's stream, used on another one too.
        _device.Synchronize();
    }

    /// <summary>The images of the step, on the device.</summary>
    public Tensor Images { get; }

    /// <summary>The labels of the step, on the device.</summary>
    public Tensor Labels { get; }

    /// <summary>The settings of the step's update, on the device.</summary>
    public Tensor Settings { get; }

    /// <summary>Whether a batch has the shapes and types that there is room for.</summary>
    public bool Fits(Batch batch) => batch.Images.Shape == Images.Shape && batch.Labels.Shape == Labels.Shape
        && batch.Images.DType == Images.DType && batch.Labels.DType == Labels.DType;

    /// <summary>Enqueues the inputs of the next step. The batch and the settings may be changed when it returns.</summary>
    public void Upload(Batch batch, ReadOnlySpan<float> settings)
    {
        Way way = _ways[_next];
        _next = 1 - _next;
        // Two steps ago this way was used last: its page-locked memory is free once that copy is done.
        way.Arrived.Synchronize();
        Span<byte> host = way.Host.AsSpan();
        Bytes(batch.Images).CopyTo(host);
        Bytes(batch.Labels).CopyTo(host[(int)_labelStart..]);
        System.Runtime.InteropServices.MemoryMarshal.AsBytes(settings).CopyTo(host[(int)_settingStart..]);
        CUstream copies = _device.CopyStream.Stream;
        _device.CopyStream.WaitEvent(way.Taken.Event);
        new CudaDeviceVariable<byte>(way.Staged.DevicePointer, way.Staged.Bytes).AsyncCopyToDevice(way.Host, copies);
        way.Arrived.Record(copies);
        _device.Stream.WaitEvent(way.Arrived.Event);
        _current.CopyFrom(way.Staged);
        way.Taken.Record(_device.Stream.Stream);
    }

    private static unsafe ReadOnlySpan<byte> Bytes(Tensor tensor) => new(tensor.RawPointer, checked((int)tensor.Bytes));

    private static long Align(long bytes) => (bytes + Alignment - 1) / Alignment * Alignment;

    private Tensor Part(long start, Shape shape, DType type) =>
        _current.Slice((int)start, checked((int)shape.Count * type.Size())).Reinterpret(shape, type);

    /// <summary>Waits for the copies and frees the memory.</summary>
    public void Dispose()
    {
        _device.SynchronizeToFree();
        foreach (Way way in _ways)
            way.Dispose();
    }

    /// <summary>One of the two ways.</summary>
    private sealed class Way(Tensor like) : IDisposable
    {
        public CudaPageLockedHostMemory<byte> Host { get; } = new(like.Bytes);

        public Tensor Staged { get; } = Tensor.EmptyLike(like);

        /// <summary>The copy to the device is done.</summary>
        public CudaEvent Arrived { get; } = new(CUEventFlags.DisableTiming);

        /// <summary>What was copied has been moved on.</summary>
        public CudaEvent Taken { get; } = new(CUEventFlags.DisableTiming);

        public void Dispose()
        {
            Host.Dispose();
            Arrived.Dispose();
            Taken.Dispose();
        }
    }
}
