using System.Numerics;
using CsUnet.Cuda.BasicTypes;
using CsUnet.Kernels.Cuda;
using CsUnet.Tensors;
using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

namespace CsUnet.Kernels;

// Every chunk of 16384 elements gives one partial sum, in double. The partial sums are added in the order of tensors and chunks, so the
// result does not depend on the threads or their number. Memory-bound: every gradient is read once.
//   norm = sqrt(sum over all tensors and elements of g^2);   clipped: g *= min(1, limit / (norm + 1e-6))

/// <summary>The L2 norm of many tensors taken as one vector, and clipping by that norm like torch.nn.utils.clip_grad_norm_.</summary>
public static unsafe class GradientNorm
{
    /// <summary>
    /// The norm. For float32 tensors on the CPU it is finite if and only if all elements are, because squares of float32 numbers
    /// cannot overflow a double. A CUDA device sums in pairs of float32; there the norm is also infinite if an element exceeds 1.8e19.
    /// </summary>
    /// <exception cref="ShapeException">A tensor is neither float32 nor float64, or the tensors are on several devices.</exception>
    public static double Of(IReadOnlyList<Tensor> tensors)
    {
        if (IsOnCuda(tensors))
            return CudaNorm(new TensorTable(tensors)).Norm;
        double sum = 0;
        foreach (Tensor tensor in tensors)
            sum += SumOfSquares(tensor);
        return Math.Sqrt(sum);
    }

    /// <summary>The sum of the squared elements of a tensor on the CPU.</summary>
    /// <exception cref="ShapeException">The tensor is neither float32 nor float64.</exception>
    public static double SumOfSquares(Tensor tensor)
    {
        if (!tensor.DType.IsFloat())
            throw new ShapeException(nameof(GradientNorm), "tensor", tensor, "a float32 or float64 tensor");
        int chunks = checked((int)(Ceiling.Divide(tensor.Count, Simd.Grain)));
        var partial = new double[chunks];
        Workers.Run(chunks, chunk =>
        {
            long start = (long)chunk * Simd.Grain;
            int count = (int)Math.Min(Simd.Grain, tensor.Count - start);
            partial[chunk] = tensor.DType == DType.Float32
                ? SumOfSquares(tensor.Pointer<float>() + start, count)
                : SumOfSquares(tensor.Pointer<double>() + start, count);
        });
        GC.KeepAlive(tensor);
        double sum = 0;
        foreach (double value in partial)
            sum += value;
        return sum;
    }

    /// <summary>
    /// The index of the first floating-point tensor with an element that is not finite, or -1. All tensors on a device take one pass.
    /// </summary>
    public static int FirstNotFinite(IReadOnlyList<Tensor> tensors)
    {
        List<int> onCuda =
            [.. Enumerable.Range(0, tensors.Count).Where(i => tensors[i].Device.Kind == DeviceKind.Cuda && tensors[i].Count > 0)];
        int first = int.MaxValue;
        if (onCuda.Count > 0)
        {
            var table = new TensorTable([.. onCuda.Select(i => tensors[i])]);
            Tensor notFinite = CudaNorm(table).NotFiniteOfChunks.To(Device.Cpu);
            int chunk = System.Runtime.InteropServices.MemoryMarshal.Cast<float, int>(notFinite.AsSpan<float>()).IndexOfAnyExcept(0);
            if (chunk >= 0)
                first = onCuda[table.ChunkTensors[chunk]];
            GC.KeepAlive(notFinite);
        }
        for (int i = 0; i < Math.Min(first, tensors.Count); i++)
            if (tensors[i].Device.Kind == DeviceKind.Cpu && tensors[i].DType.IsFloat() && !IsFinite(tensors[i]))
                return i;
        return first == int.MaxValue ? -1 : first;
    }

    /// <summary>Whether every element of a float32 or float64 tensor is finite.</summary>
    public static bool IsFinite(Tensor tensor)
    {
        if (tensor.Device.Kind == DeviceKind.Cuda)
            return FirstNotFinite([tensor]) < 0;
        // The square of a finite double may overflow; in that case check each element.
        if (double.IsFinite(SumOfSquares(tensor)))
            return true;
        for (long i = 0; i < tensor.Count; i++)
            if (!double.IsFinite(tensor[i]))
                return false;
        return true;
    }

    /// <summary>
    /// Scales all tensors by one factor so that their norm is at most <paramref name="limit"/>. Returns the norm before scaling.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The limit is not positive.</exception>
    public static double Clip(IReadOnlyList<Tensor> tensors, double limit)
    {
        double norm = Of(tensors);
        Clip(tensors, norm, limit);
        return norm;
    }

    /// <summary>Scales all tensors, whose norm is already known, so that it is at most <paramref name="limit"/>.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The limit is not positive.</exception>
    public static void Clip(IReadOnlyList<Tensor> tensors, double norm, double limit)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(limit);
        double factor = limit / (norm + 1e-6);
        if (factor < 1 && IsOnCuda(tensors))
            CudaScale(new TensorTable(tensors), factor);
        else if (factor < 1)
            foreach (Tensor tensor in tensors)
                Scale(tensor, factor);
    }

    /// <summary>tensor *= factor, elementwise.</summary>
    /// <exception cref="ShapeException">The tensor is neither float32 nor float64.</exception>
    public static void Scale(Tensor tensor, double factor)
    {
        if (!tensor.DType.IsFloat())
            throw new ShapeException(nameof(GradientNorm), "tensor", tensor, "a float32 or float64 tensor");
        if (tensor.Device.Kind == DeviceKind.Cuda)
            CudaScale(new TensorTable([tensor]), factor);
        else if (tensor.DType == DType.Float32)
            Scale(tensor.Pointer<float>(), tensor.Count, (float)factor);
        else
            Scale(tensor.Pointer<double>(), tensor.Count, factor);
        GC.KeepAlive(tensor);
    }

    private static double SumOfSquares(float* x, int count)
    {
        Vector<double> low = Vector<double>.Zero, high = low;
        int i = 0;
        for (; i + Vector<float>.Count <= count; i += Vector<float>.Count)
        {
            Vector.Widen(Simd.Load(x + i), out Vector<double> a, out Vector<double> b);
            low = Simd.Fma(a, a, low);
            high = Simd.Fma(b, b, high);
        }
        double sum = Vector.Sum(low + high);
        for (; i < count; i++)
            sum += (double)x[i] * x[i];
        return sum;
    }

    private static double SumOfSquares(double* x, int count)
    {
        Vector<double> sums = Vector<double>.Zero;
        int i = 0;
        for (; i + Vector<double>.Count <= count; i += Vector<double>.Count)
        {
            Vector<double> a = Simd.Load(x + i);
            sums = Simd.Fma(a, a, sums);
        }
        double sum = Vector.Sum(sums);
        for (; i < count; i++)
            sum += x[i] * x[i];
        return sum;
    }

    private static void Scale<T>(T* x, long count, T factor) where T : unmanaged, INumber<T> =>
        Workers.Split(count, Simd.Grain, (start, end) =>
            TensorPrimitives.Multiply(Simd.Span(x + start, end - start), factor, Simd.Span(x + start, end - start)));

    private static bool IsOnCuda(IReadOnlyList<Tensor> tensors) => tensors.Count > 0 && tensors[0].Device.Kind == DeviceKind.Cuda;

    // kernels/optimizer.cu

    /// <summary>Enqueues the norm of a table's gradients and the clipping factor. Both stay on the device for the update.</summary>
    /// <param name="table">The gradients.</param>
    /// <param name="limit">The largest norm; 0: no limit, and the factor is 1.</param>
    /// <param name="result">(2) float32: the norm before clipping, and the factor.</param>
    /// <param name="notFinite">Four bytes: the number of elements that are not finite, an int.</param>
    internal static void Enqueue(TensorTable table, double limit, Tensor result, Tensor notFinite) =>
        Enqueue(table, limit, result, notFinite, out _);

    private static void Enqueue(TensorTable table, double limit, Tensor result, Tensor notFinite, out Tensor notFiniteOfChunks)
    {
        int chunks = table.ChunkTensors.Count;
        Tensor partial = Tensor.Empty([chunks, 2], DType.Float32, table.Device);
        notFiniteOfChunks = Tensor.Empty([chunks], DType.Float32, table.Device);
        CudaLaunch launch = table.Launch("gradient_norm_partial");
        launch.Add(partial, notFiniteOfChunks);
        table.Run(ref launch);
        var total = new CudaLaunch(partial, "optimizer", "gradient_norm_total", typed: false);
        total.Add(partial, notFiniteOfChunks, result, notFinite);
        total.Add(chunks);
        total.Add((float)limit);
        total.Run(new dim3(1), new dim3(CudaLaunch.Threads));
        foreach (Tensor tensor in (ReadOnlySpan<Tensor>)[partial, notFiniteOfChunks, result, notFinite])
            GC.KeepAlive(tensor);
    }

    private static (double Norm, Tensor NotFiniteOfChunks) CudaNorm(TensorTable table)
    {
        Tensor result = Tensor.Empty([3], DType.Float32, table.Device);
        Enqueue(table, 0, result.Slice(0, 2), result.Slice(2, 1), out Tensor notFiniteOfChunks);
        return (result.To(Device.Cpu)[0], notFiniteOfChunks);
    }

    private static void CudaScale(TensorTable table, double factor)
    {
        CudaLaunch launch = table.Launch("gradient_scale");
        Tensor number = Tensor.Full([1], factor, DType.Float32, table.Device);
        launch.Add(number);
        table.Run(ref launch);
        GC.KeepAlive(number);
    }
}
