using System.Numerics;
using CsUnet.Cuda;
using CsUnet.Kernels.Cpu;
using CsUnet.Tensors;

namespace CsUnet.Lab;

/// <summary>A machine's ceilings, measured in the same run as the operators.</summary>
/// <param name="BytesPerSecond">Memory bandwidth: bytes read and written by a copy that is too large for the caches.</param>
/// <param name="FlopsPerSecond">Arithmetic peak: on the CPU of independent fused multiply-adds, on a GPU of a large matrix product.</param>
/// <param name="Source">How it was measured.</param>
public sealed record Ceilings(double BytesPerSecond, double FlopsPerSecond, string Source)
{
    private const long CopyBytes = 256L << 20;

    /// <summary>Measures a device, in about a second.</summary>
    public static Ceilings Measure(Device device)
    {
        using var arena = new StepArena();
        using StepArena.StepScope step = arena.BeginStep();
        long bytes = device.Kind == DeviceKind.Cpu ? CopyBytes : 4 * CopyBytes;
        Tensor source = Tensor.Full([checked((int)(bytes / sizeof(float)))], 1.5, DType.Float32, device), target = Tensor.EmptyLike(source);
        // Reads and writes both count; the best of several runs is the ceiling.
        double copy = Enumerable.Range(0, 8).Min(_ => Timing.Time(device, () => Copy(source, target)));
        return device.Kind == DeviceKind.Cpu
            ? new Ceilings(2.0 * bytes / copy, FmaPeak.Measure() * 1e9,
                $"copy of {bytes >> 20} MiB on all threads; independent fused multiply-adds")
            : new Ceilings(2.0 * bytes / copy, Product(device),
                $"copy of {bytes >> 20} MiB; product of two 8192 x 8192 matrices by {ProductName}");
    }

    private static string ProductName => CudaLibraries.TryLoad(CudaLibrary.CuBlas, out _) ? "cuBLAS" : "our own kernel";

    private static unsafe void Copy(Tensor source, Tensor target)
    {
        if (source.Device.Kind == DeviceKind.Cuda)
        {
            target.CopyFrom(source);
            return;
        }
        // Non-temporal stores bypass the caches: the target is not read first, so only the copy itself crosses the bus. A pass over
        // tensors in the caches does not wait for its writes either.
        byte* from = (byte*)source.RawPointer, to = (byte*)target.RawPointer;
        Workers.Split(source.Bytes, 1 << 20, (start, end) =>
        {
            for (long i = start; i < end; i += Vector<byte>.Count)
                Vector.StoreAlignedNonTemporal(Vector.LoadAligned(from + i), to + i);
        });
        GC.KeepAlive(source);
        GC.KeepAlive(target);
    }

    private static double Product(Device device)
    {
        const int n = 8192;
        var key = new RandomKey(1, 2, 3);
        // Random numbers, because products of zeros draw less power and run faster.
        Tensor block = Tensor.Empty([256, n]);
        Span<float> values = block.AsSpan<float>();
        for (int i = 0; i < values.Length; i++)
            values[i] = (float)key.Normal((ulong)i);
        Tensor a = Tensor.Empty([n, n], DType.Float32, device), b = Tensor.EmptyLike(a), c = Tensor.EmptyLike(a);
        for (int row = 0; row < n; row += 256)
        {
            a.Slice(row, 256).CopyFrom(block);
            b.Slice(row, 256).CopyFrom(block);
        }
        Action product = Baselines.Product(device, a, b, c);
        product();
        double seconds = Enumerable.Range(0, 5).Min(_ => Timing.Time(device, product));
        return 2.0 * n * n * n / seconds;
    }
}
