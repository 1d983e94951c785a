using CsUnet.Cuda.BasicTypes;

namespace CsUnet.Tensors;

/// <summary>
/// A dense, contiguous, row-major array of numbers. Activations are channels-last: (B, H, W, C), or (rows, C). A tensor created inside a
/// <see cref="StepArena"/> step is a temporary of that step. A tensor created outside owns its memory until it is collected.
/// </summary>
public sealed unsafe partial class Tensor
{
    private readonly long _byteOffset;

    private Tensor(Storage storage, long byteOffset, Shape shape, DType type)
    {
        Storage = storage;
        _byteOffset = byteOffset;
        Shape = shape;
        DType = type;
    }

    /// <summary>Dimensions, outermost first.</summary>
    public Shape Shape { get; }

    /// <summary>Element type.</summary>
    public DType DType { get; }

    /// <summary>Where the memory lives.</summary>
    public Device Device => Storage.Device;

    /// <summary>The CUDA device that the tensor is on.</summary>
    /// <exception cref="InvalidOperationException">The tensor is not on a GPU.</exception>
    public CudaDevice CudaDevice => Storage.CudaDevice ?? throw NotOnCuda();

    /// <summary>The block of memory that this tensor views, alone or with others.</summary>
    public Storage Storage { get; }

    /// <summary>Number of elements.</summary>
    public long Count => Shape.Count;

    /// <summary>Number of bytes.</summary>
    public long Bytes => Count * DType.Size();

    /// <summary>An uninitialised tensor, from the current step's arena if there is one.</summary>
    public static Tensor Empty(Shape shape, DType type = DType.Float32, Device device = default)
    {
        long bytes = checked(shape.Count * type.Size());
        Storage storage = StepArena.Current is { } arena ? arena.Rent(bytes, device) : new Storage(bytes, device);
        return new Tensor(storage, 0, shape, type);
    }

    /// <summary>A tensor of zeros.</summary>
    public static Tensor Zeros(Shape shape, DType type = DType.Float32, Device device = default)
    {
        Tensor tensor = Empty(shape, type, device);
        tensor.Clear();
        return tensor;
    }

    /// <summary>A tensor with every element equal to <paramref name="value"/>.</summary>
    public static Tensor Full(Shape shape, double value, DType type = DType.Float32, Device device = default)
    {
        Tensor tensor = Empty(shape, type, device);
        tensor.Fill(value);
        return tensor;
    }

    /// <summary>An uninitialised tensor with the shape, element type and device of another one.</summary>
    public static Tensor EmptyLike(Tensor other) => Empty(other.Shape, other.DType, other.Device);

    /// <summary>A tensor of zeros with the shape, element type and device of another one.</summary>
    public static Tensor ZerosLike(Tensor other) => Zeros(other.Shape, other.DType, other.Device);

    /// <summary>A tensor that holds a copy of <paramref name="values"/>, row-major.</summary>
    /// <exception cref="ArgumentException">The number of values does not match the shape.</exception>
    public static Tensor From<T>(ReadOnlySpan<T> values, Shape shape) where T : unmanaged
    {
        if (values.Length != shape.Count)
            throw new ArgumentException(
                $"Tensor.From: {ProblemText.Count(values.Length, "value")} for shape {shape}, expected {shape.Count}", nameof(values));
        Tensor tensor = Empty(shape, DTypes.Of<T>());
        values.CopyTo(tensor.AsSpan<T>());
        return tensor;
    }

    /// <inheritdoc cref="From{T}(ReadOnlySpan{T}, Shape)" />
    public static Tensor From<T>(T[] values, Shape shape) where T : unmanaged => From((ReadOnlySpan<T>)values, shape);

    /// <summary>The elements, row-major.</summary>
    /// <exception cref="InvalidOperationException">
    /// The element type differs, there are more than 2^31-1 elements, or the tensor was a temporary of a step that has ended.
    /// </exception>
    public Span<T> AsSpan<T>() where T : unmanaged => new(Pointer<T>(), checked((int)Count));

    /// <summary>The address of the first element.</summary>
    /// <exception cref="InvalidOperationException">The element type differs, or the tensor's step has ended.</exception>
    public T* Pointer<T>() where T : unmanaged
    {
        if (DTypes.Of<T>() != DType)
            throw new InvalidOperationException($"tensor {this} was read as {DTypes.Of<T>().Label()}");
        return (T*)RawPointer;
    }

    /// <summary>The address of the first element, whatever its type.</summary>
    /// <exception cref="InvalidOperationException">The tensor is on a GPU, or its step has ended.</exception>
    public void* RawPointer => Device.Kind == DeviceKind.Cpu
        ? (void*)(Storage.Address + (nint)_byteOffset)
        : throw new InvalidOperationException($"tensor {this} is on {Device}; copy it to the CPU first, with To(Device.Cpu)");

    /// <summary>The address of the first element in the memory of the CUDA device.</summary>
    /// <exception cref="InvalidOperationException">The tensor is not on a GPU, or its step has ended.</exception>
    public CUdeviceptr DevicePointer => Device.Kind == DeviceKind.Cuda
        ? new CUdeviceptr((nuint)(Storage.Address + (nint)_byteOffset))
        : throw NotOnCuda();

    private InvalidOperationException NotOnCuda() =>
        new($"tensor {this} is on {Device}, not on a GPU; copy it there first, with To(device)");

    /// <summary>This tensor on another device: a copy, or this tensor itself if it is there already.</summary>
    public Tensor To(Device device)
    {
        if (device == Device)
            return this;
        Tensor copy = Empty(Shape, DType, device);
        copy.CopyFrom(this);
        return copy;
    }

    /// <summary>The same elements with another shape: a view, nothing is copied.</summary>
    /// <exception cref="ArgumentException">The number of elements differs.</exception>
    public Tensor Reshape(Shape shape)
    {
        if (shape.Count != Count)
            throw new ArgumentException(
                $"Reshape: shape {shape} has {ProblemText.Count(shape.Count, "element")}, expected {Count} as in {Shape}", nameof(shape));
        return shape == Shape ? this : new Tensor(Storage, _byteOffset, shape, DType);
    }

    /// <summary>The same bytes with another element type and shape: a view, nothing is copied.</summary>
    /// <exception cref="ArgumentException">The number of bytes differs.</exception>
    public Tensor Reinterpret(Shape shape, DType type)
    {
        if (shape.Count * type.Size() != Bytes)
            throw new ArgumentException(
                $"Reinterpret: {type.Label()} {shape} has {shape.Count * type.Size()} bytes, expected {Bytes} as in {this}", nameof(shape));
        return new Tensor(Storage, _byteOffset, shape, type);
    }

    /// <summary>Entries <paramref name="start"/> to start + count of the outermost dimension: a view, nothing is copied.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The range is not inside the dimension.</exception>
    public Tensor Slice(int start, int count)
    {
        if (Shape.Rank == 0 || start < 0 || count < 0 || start + count > Shape[0])
            throw new ArgumentOutOfRangeException(nameof(start), $"Slice: entries {start} to {start + count} of shape {Shape}");
        long stride = Shape[0] == 0 ? 0 : Bytes / Shape[0];
        return new Tensor(Storage, _byteOffset + start * stride, new Shape([count, .. Shape.AsSpan()[1..]]), DType);
    }

    /// <summary>A copy: inside a step it is a temporary, outside it owns its memory.</summary>
    public Tensor Clone()
    {
        Tensor copy = EmptyLike(this);
        copy.CopyFrom(this);
        return copy;
    }

    /// <summary>A copy that outlives the current step.</summary>
    public Tensor ClonePersistent()
    {
        using StepArena.PersistentScope scope = StepArena.Suspend();
        return Clone();
    }

    /// <summary>Overwrites the elements with those of a tensor of the same element type and number of elements.</summary>
    /// <exception cref="ArgumentException">The element type or the number of elements differs.</exception>
    public void CopyFrom(Tensor source)
    {
        if (source.DType != DType || source.Count != Count)
            throw new ArgumentException($"CopyFrom: source is {source}, expected the type and number of elements of {this}",
                nameof(source));
        if (Storage.IsShared || source.Storage.IsShared)
            return;
        if (source.Device == Device && Device.Kind == DeviceKind.Cpu)
            Buffer.MemoryCopy(source.RawPointer, RawPointer, Bytes, Bytes);
        else if (source.Device == Device)
            CudaDevice.Copy(source.DevicePointer, DevicePointer, Bytes);
        else if (source.Device.Kind == DeviceKind.Cpu)
            CudaDevice.CopyToDevice(source.RawPointer, DevicePointer, Bytes);
        else if (Device.Kind == DeviceKind.Cpu)
            source.CudaDevice.CopyToHost(source.DevicePointer, RawPointer, Bytes);
        else
            CopyFrom(source.To(Device.Cpu));
        GC.KeepAlive(source);
        GC.KeepAlive(this);
    }

    /// <summary>Sets every element to zero.</summary>
    public void Clear()
    {
        if (Storage.IsShared)
            return;
        if (Device.Kind == DeviceKind.Cuda)
            CudaDevice.SetBytes(DevicePointer, 0, Bytes);
        else
            System.Runtime.InteropServices.NativeMemory.Clear(RawPointer, (nuint)Bytes);
        GC.KeepAlive(this);
    }

    /// <summary>Sets every element to <paramref name="value"/>, rounded to the element type.</summary>
    public void Fill(double value)
    {
        if (Storage.IsShared)
            return;
        if (Device.Kind == DeviceKind.Cuda)
        {
            if (DType == DType.Float32)
                CudaDevice.SetWords(DevicePointer, BitConverter.SingleToUInt32Bits((float)value), Count);
            else if (DType == DType.BFloat16)
                CudaDevice.SetHalfWords(DevicePointer, ((BFloat16)value).Bits, Count);
            else if (DType == DType.UInt8)
                CudaDevice.SetBytes(DevicePointer, (byte)value, Bytes);
            else
                CopyFrom(Full(Shape, value, DType));
            GC.KeepAlive(this);
            return;
        }
        switch (DType)
        {
            case DType.Float32: AsSpan<float>().Fill((float)value); break;
            case DType.Float64: AsSpan<double>().Fill(value); break;
            case DType.Int64: AsSpan<long>().Fill((long)value); break;
            case DType.Int32: AsSpan<int>().Fill((int)value); break;
            case DType.BFloat16: AsSpan<BFloat16>().Fill((BFloat16)value); break;
            default: AsSpan<byte>().Fill((byte)value); break;
        }
    }

    /// <summary>
    /// The elements converted to another floating-point type, on the CPU; this tensor itself if it already has that type. Rounds to
    /// nearest, ties to even, and keeps NaN. In a graph, and on a CUDA device, use the operator Cast.
    /// </summary>
    /// <exception cref="NotSupportedException">One of the types is not a floating-point type, or the tensor is on a CUDA
    /// device.</exception>
    public Tensor To(DType type)
    {
        if (type == DType)
            return this;
        if (!type.IsFloat() || !DType.IsFloat())
            throw new NotSupportedException(
                $"conversion of {DType.Label()} to {type.Label()}; only float32, float64 and bfloat16 convert to each other");
        if (Device.Kind != DeviceKind.Cpu)
            throw new NotSupportedException($"conversion of {this} on {Device} to {type.Label()}: apply the operator Cast there");
        Tensor result = Empty(Shape, type);
        if (Storage.IsShared)
            return result;
        if (type == DType.Float32 && DType == DType.Float64)
            Convert(AsSpan<double>(), result.AsSpan<float>(), value => (float)value);
        else if (type == DType.Float32)
            Convert(AsSpan<BFloat16>(), result.AsSpan<float>(), value => value);
        else if (type == DType.Float64 && DType == DType.Float32)
            Convert(AsSpan<float>(), result.AsSpan<double>(), value => value);
        else if (type == DType.Float64)
            Convert(AsSpan<BFloat16>(), result.AsSpan<double>(), value => (float)value);
        else if (DType == DType.Float32)
            Convert(AsSpan<float>(), result.AsSpan<BFloat16>(), value => (BFloat16)value);
        else
            Convert(AsSpan<double>(), result.AsSpan<BFloat16>(), value => (BFloat16)value);
        return result;
    }

    private static void Convert<TFrom, TTo>(ReadOnlySpan<TFrom> source, Span<TTo> target, Func<TFrom, TTo> convert)
    {
        for (int i = 0; i < target.Length; i++)
            target[i] = convert(source[i]);
    }

    /// <summary>Element <paramref name="index"/> in row-major order, as a double.</summary>
    [System.Runtime.CompilerServices.IndexerName("Element")]
    public double this[long index]
    {
        get
        {
            ArgumentOutOfRangeException.ThrowIfNegative(index);
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, Count);
            return DType switch
            {
                DType.Float32 => Pointer<float>()[index],
                DType.Float64 => Pointer<double>()[index],
                DType.Int64 => Pointer<long>()[index],
                DType.Int32 => Pointer<int>()[index],
                DType.BFloat16 => (float)Pointer<BFloat16>()[index],
                _ => Pointer<byte>()[index],
            };
        }
        set
        {
            ArgumentOutOfRangeException.ThrowIfNegative(index);
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, Count);
            switch (DType)
            {
                case DType.Float32: Pointer<float>()[index] = (float)value; break;
                case DType.Float64: Pointer<double>()[index] = value; break;
                case DType.Int64: Pointer<long>()[index] = (long)value; break;
                case DType.Int32: Pointer<int>()[index] = (int)value; break;
                case DType.BFloat16: Pointer<BFloat16>()[index] = (BFloat16)value; break;
                default: Pointer<byte>()[index] = (byte)value; break;
            }
        }
    }

    /// <summary>For example <c>float32 (2,56,56,192)</c>.</summary>
    public override string ToString() => $"{DType.Label()} {Shape}";
}
