using System.Numerics;
using CsUnet.Cuda;
using CsUnet.Kernels.Cpu;
using CsUnet.Kernels.Cuda;
using CsUnet.Tensors;

namespace CsUnet.Kernels;

/// <summary>
/// Layer normalisation over the innermost dimension (Ba et al. 2016). Inputs: input (..., C), weight (C), bias (C).
/// output = xhat * weight + bias with xhat = (input - mean) * rstd, rstd = 1 / sqrt(variance + Eps), biased variance of each row.
/// With g = dOutput * weight: dInput = rstd * (g - mean(g) - xhat * mean(g * xhat)); dWeight = sum of dOutput * xhat over rows,
/// dBias = sum of dOutput over rows. Saves mean and rstd per row. Memory-bound.
/// </summary>
/// <param name="Eps">Added to the variance.</param>
public sealed record LayerNorm(double Eps = 1e-5) : Operator
{
    // Rows of a chunk hold about this many elements; parameter gradients are summed per chunk, then over chunks in order.
    private const int ChunkElements = 32768;

    /// <inheritdoc />
    public override bool RunsOn(DeviceKind device) => true;

    /// <inheritdoc />
    public override IReadOnlyList<KernelVariant> Variants(DeviceKind device) => device == DeviceKind.Cpu ? [] :
    [
        new("registers", "a warp keeps a row in registers; up to 1024 channels in fours", new LaunchParameter(MostBlocks, 128, 256, 512, CudaMaximumBlocks)),
        new("any", "a warp reads its row three times; any number of channels"),
    ];

    private const string MostBlocks = "most_blocks";

    /// <inheritdoc />
    public override Tensor Forward(OperatorCall call)
    {
        Tensor input = call[0], weight = call[1], bias = call[2];
        Require(input.Shape.Rank >= 1 && input.DType.IsFloat(), "input", input, "a float32 or float64 tensor (..., C)");
        string expected = $"({input.Shape.Last}) = last dimension of input {input.Shape}";
        Require(weight.Shape == new Shape(input.Shape.Last), "weight", weight.Shape, expected);
        Require(bias.Shape == new Shape(input.Shape.Last), "bias", bias.Shape, expected);
        RequireSameType(call, "weight", weight);
        RequireSameType(call, "bias", bias);
        Tensor output = Tensor.EmptyLike(input);
        Tensor mean = Tensor.Empty([input.Shape.Rows], input.DType, input.Device), rstd = Tensor.EmptyLike(mean);
        call.Save(mean);
        call.Save(rstd);
        if (input.Device.Kind == DeviceKind.Cuda)
            CudaForward(call, output, mean, rstd);
        else if (input.DType == DType.Float32)
            Forward<float>(input, weight, bias, output, mean, rstd);
        else
            Forward<double>(input, weight, bias, output, mean, rstd);
        return output;
    }

    /// <inheritdoc />
    public override void Backward(OperatorCall call, Tensor dOutput, GradientSink gradients)
    {
        if (dOutput.Device.Kind == DeviceKind.Cuda)
            CudaBackward(call, dOutput, gradients);
        else if (dOutput.DType == DType.Float32)
            Backward<float>(call, dOutput, gradients);
        else
            Backward<double>(call, dOutput, gradients);
    }

    private unsafe void Forward<T>(Tensor input, Tensor weight, Tensor bias, Tensor output, Tensor mean, Tensor rstd)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        T* x = input.Pointer<T>(), w = weight.Pointer<T>(), b = bias.Pointer<T>(), y = output.Pointer<T>();
        T* means = mean.Pointer<T>(), rstds = rstd.Pointer<T>();
        int channels = input.Shape.Last;
        T inverse = T.One / T.CreateChecked(channels), eps = T.CreateChecked(Eps);
        Workers.Split(input.Shape.Rows, Math.Max(1, ChunkElements / channels), (start, end) =>
        {
            for (long row = start; row < end; row++)
            {
                T* rowX = x + row * channels, rowY = y + row * channels;
                // Two passes, so that a large mean does not cancel the variance away; the row stays in the first-level cache.
                T rowMean = Sum(rowX, channels) * inverse;
                T variance = SumOfSquaredDeviations(rowX, rowMean, channels) * inverse;
                T rowRstd = T.One / T.Sqrt(variance + eps);
                means[row] = rowMean;
                rstds[row] = rowRstd;
                var m = new Vector<T>(rowMean);
                var s = new Vector<T>(rowRstd);
                int c = 0;
                for (; c + Vector<T>.Count <= channels; c += Vector<T>.Count)
                    Simd.Fma((Simd.Load(rowX + c) - m) * s, Simd.Load(w + c), Simd.Load(b + c)).Store(rowY + c);
                for (; c < channels; c++)
                    rowY[c] = (rowX[c] - rowMean) * rowRstd * w[c] + b[c];
            }
        });
    }

    private static unsafe T Sum<T>(T* x, int n) where T : unmanaged, IFloatingPointIeee754<T>
    {
        Vector<T> a = Vector<T>.Zero, b = Vector<T>.Zero;
        int i = 0;
        for (; i + 2 * Vector<T>.Count <= n; i += 2 * Vector<T>.Count)
        {
            a += Simd.Load(x + i);
            b += Simd.Load(x + i + Vector<T>.Count);
        }
        T sum = Vector.Sum(a + b);
        for (; i < n; i++)
            sum += x[i];
        return sum;
    }

    private static unsafe T SumOfSquaredDeviations<T>(T* x, T mean, int n) where T : unmanaged, IFloatingPointIeee754<T>
    {
        Vector<T> a = Vector<T>.Zero, b = Vector<T>.Zero;
        var m = new Vector<T>(mean);
        int i = 0;
        for (; i + 2 * Vector<T>.Count <= n; i += 2 * Vector<T>.Count)
        {
            Vector<T> d = Simd.Load(x + i) - m, e = Simd.Load(x + i + Vector<T>.Count) - m;
            a = Simd.Fma(d, d, a);
            b = Simd.Fma(e, e, b);
        }
        T sum = Vector.Sum(a + b);
        for (; i < n; i++)
            sum += (x[i] - mean) * (x[i] - mean);
        return sum;
    }

    private static unsafe void Backward<T>(OperatorCall call, Tensor dOutput, GradientSink gradients)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        int channels = call[0].Shape.Last, rows = call[0].Shape.Rows;
        int grain = Math.Max(1, ChunkElements / channels), chunks = (rows + grain - 1) / grain;
        bool needsInput = call.Needs(0), needsParameters = call.Needs(1) || call.Needs(2);
        bool accumulate = false;
        T* dx = needsInput ? gradients.Target(0, out accumulate).Pointer<T>() : null;
        Tensor scratch = Tensor.Zeros([chunks, 2, channels], dOutput.DType), partials = Tensor.Zeros([chunks, 2, channels], DType.Float64);
        T* x = call[0].Pointer<T>(), w = call[1].Pointer<T>(), dy = dOutput.Pointer<T>(), accumulators = scratch.Pointer<T>();
        double* partial = partials.Pointer<double>();
        T* means = call.Saved[0].Pointer<T>(), rstds = call.Saved[1].Pointer<T>();
        T inverse = T.One / T.CreateChecked(channels);
        Workers.Run(chunks, chunk =>
        {
            T* dw = accumulators + (long)chunk * 2 * channels, db = dw + channels;
            long end = Math.Min(rows, (chunk + 1L) * grain);
            for (long row = (long)chunk * grain; row < end; row++)
            {
                T* rowX = x + row * channels, rowDy = dy + row * channels;
                T mean = means[row], rstd = rstds[row];
                if (needsParameters)
                {
                    AddParameterGradients(rowX, rowDy, mean, rstd, dw, db, channels);
                    if ((row + 1) % ColumnSums.BlockRows == 0 || row + 1 == end)
                        ColumnSums.Flush(dw, partial + (long)chunk * 2 * channels, 2 * channels);
                }
                if (needsInput)
                    InputGradient(rowX, w, rowDy, mean, rstd, inverse, dx + row * channels, channels, accumulate);
            }
        });
        if (needsParameters)
        {
            TensorMath.ReduceChunks(partial, chunks, 2 * channels);
            TensorMath.GiveRow(gradients, call, 1, partials, 0, channels);
            TensorMath.GiveRow(gradients, call, 2, partials, channels, channels);
        }
    }

    private static unsafe void AddParameterGradients<T>(T* x, T* dy, T mean, T rstd, T* dw, T* db, int channels)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var m = new Vector<T>(mean);
        var s = new Vector<T>(rstd);
        int c = 0;
        for (; c + Vector<T>.Count <= channels; c += Vector<T>.Count)
        {
            Vector<T> gradient = Simd.Load(dy + c);
            Simd.Fma(gradient, (Simd.Load(x + c) - m) * s, Simd.Load(dw + c)).Store(dw + c);
            (Simd.Load(db + c) + gradient).Store(db + c);
        }
        for (; c < channels; c++)
        {
            dw[c] += dy[c] * (x[c] - mean) * rstd;
            db[c] += dy[c];
        }
    }

    private static unsafe void InputGradient<T>(
        T* x, T* w, T* dy, T mean, T rstd, T inverse, T* dx, int channels, bool accumulate) where T : unmanaged, IFloatingPointIeee754<T>
    {
        var m = new Vector<T>(mean);
        var s = new Vector<T>(rstd);
        Vector<T> sums = Vector<T>.Zero, products = Vector<T>.Zero;
        int c = 0;
        for (; c + Vector<T>.Count <= channels; c += Vector<T>.Count)
        {
            Vector<T> g = Simd.Load(dy + c) * Simd.Load(w + c);
            sums += g;
            products = Simd.Fma(g, (Simd.Load(x + c) - m) * s, products);
        }
        T meanG = Vector.Sum(sums), meanProduct = Vector.Sum(products);
        for (; c < channels; c++)
        {
            T g = dy[c] * w[c];
            meanG += g;
            meanProduct += g * (x[c] - mean) * rstd;
        }
        meanG *= inverse;
        meanProduct *= inverse;
        Vector<T> vectorG = new(meanG), vectorProduct = new(meanProduct);
        for (c = 0; c + Vector<T>.Count <= channels; c += Vector<T>.Count)
        {
            Vector<T> g = Simd.Load(dy + c) * Simd.Load(w + c), xhat = (Simd.Load(x + c) - m) * s;
            Vector<T> value = s * (g - vectorG - xhat * vectorProduct);
            (accumulate ? Simd.Load(dx + c) + value : value).Store(dx + c);
        }
        for (; c < channels; c++)
        {
            T value = rstd * (dy[c] * w[c] - meanG - (x[c] - mean) * rstd * meanProduct);
            dx[c] = accumulate ? dx[c] + value : value;
        }
    }

    // kernels/layer_norm.cu: a warp per row, 4 warps a block, a lane owning groups of 4 channels of a row that stays in registers; other
    // numbers of channels go to kernels/layer_norm_any.cu.
    private const int CudaWarps = 4, CudaMaximumBlocks = 1024, CudaLargest = 1024, CudaAnyRows = 32;

    private static dim3 CudaBlock => new(32 * CudaWarps);

    private static bool FitsRegisters(OperatorCall call) =>
        call[0].Shape.Last % 4 == 0 && call[0].Shape.Last <= CudaLargest && call.Choice?.Variant != "any";

    private static string CudaKernel(string pass, int channels) =>
        $"layer_norm_{pass}_{Math.Max(128, (int)BitOperations.RoundUpToPowerOf2((uint)channels))}";

    private void CudaForward(OperatorCall call, Tensor output, Tensor mean, Tensor rstd)
    {
        Tensor input = call[0];
        int channels = input.Shape.Last;
        var launch = FitsRegisters(call)
            ? new CudaLaunch(input, "layer_norm", CudaKernel("forward", channels))
            : new CudaLaunch(input, "layer_norm_any", "layer_norm_any_forward");
        launch.Add(input, call[1], call[2], output, mean, rstd);
        launch.Add(input.Shape.Rows, channels);
        launch.Add((float)Eps);
        launch.Run(Blocks(input.Shape.Rows, CudaWarps), CudaBlock);
    }

    private static void CudaBackward(OperatorCall call, Tensor dOutput, GradientSink gradients)
    {
        Tensor input = call[0], mean = call.Saved[0], rstd = call.Saved[1];
        int rows = input.Shape.Rows, channels = input.Shape.Last;
        bool accumulate = false;
        Tensor dInput = call.Needs(0) ? gradients.Target(0, out accumulate) : Tensor.EmptyLike(input);
        // Partial sums of dWeight and dBias per block; the register kernel makes them along with dInput.
        int blocks = FitsRegisters(call) ? Math.Min(call.Choice?.Value(MostBlocks, CudaMaximumBlocks) ?? CudaMaximumBlocks, (rows + CudaWarps - 1) / CudaWarps) : (rows + CudaAnyRows - 1) / CudaAnyRows;
        Tensor partials = Tensor.Empty([blocks, 2, channels], DType.Float32, input.Device);
        if (FitsRegisters(call))
        {
            var launch = new CudaLaunch(input, "layer_norm", CudaKernel("backward", channels));
            launch.Add(dOutput, input, call[1], mean, rstd, dInput, partials);
            launch.Add(rows, channels);
            launch.Add(accumulate);
            launch.Run(new dim3(blocks), CudaBlock);
        }
        else
        {
            var launch = new CudaLaunch(input, "layer_norm_any", "layer_norm_any_backward_input");
            launch.Add(dOutput, input, call[1], mean, rstd, dInput);
            launch.Add(rows, channels);
            launch.Add(accumulate);
            launch.Run(Blocks(rows, CudaWarps), CudaBlock);
            var partial = new CudaLaunch(input, "layer_norm_any", "layer_norm_any_backward_partial");
            partial.Add(dOutput, input, mean, rstd, partials);
            partial.Add(rows, channels, CudaAnyRows);
            partial.Run(new dim3((channels + 32 * CudaWarps - 1) / (32 * CudaWarps), blocks), CudaBlock);
        }
        if (!call.Needs(1) && !call.Needs(2))
            return;
        // One kernel sums both; where only one is wanted, or they accumulate differently, the sums pass through a scratch row.
        Tensor sums = Tensor.Empty([2, channels], DType.Float32, input.Device);
        var reduction = new CudaLaunch(input, "layer_norm", "layer_norm_backward_parameters", typed: false);
        reduction.Add(partials, sums.Slice(0, 1), sums.Slice(1, 1));
        reduction.Add(blocks, channels);
        reduction.Add(false);
        reduction.Run(Blocks(channels, 32 * CudaWarps), CudaBlock);
        for (int parameter = 0; parameter < 2; parameter++)
            if (call.Needs(parameter + 1))
                gradients.Give(parameter + 1, sums.Slice(parameter, 1).Reshape([channels]));
    }

    private static dim3 Blocks(int items, int perBlock) => new((items + perBlock - 1) / perBlock);
}
