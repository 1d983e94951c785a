using System.Numerics;
using CsUnet.Cuda.BasicTypes;
using CsUnet.Kernels.Cuda;
using CsUnet.Tensors;

namespace CsUnet.Kernels;

/// <summary>
/// Soft Dice loss (Milletari et al. 2016, squared denominators). Inputs: logits (..., K), labels (...) as uint8 or int64.
/// With p = softmax(logits), g = onehot(label), sums over all pixels of the batch that count:
/// output, a scalar, is the mean over classes of 1 - (2 sum(p g) + Smooth) / (sum(p^2) + sum(g^2) + Smooth).
/// With N_k and D_k numerator and denominator, dp_k = -(2 g - 2 p N_k / D_k) / (K D_k); dLogits = p * (dp - sum(dp * p)).
/// Saves the softmax and N, D. On a CUDA device a label that is no class makes loss and gradient NaN, and <see cref="InvalidLabels"/>
/// counts it.
/// </summary>
/// <param name="Smooth">Keeps an absent class defined.</param>
/// <param name="IgnoreIndex">A label that does not count; none if null.</param>
public sealed record SoftDice(double Smooth = 1e-5, int? IgnoreIndex = null) : Operator
{
    private const int ChunkRows = 8192;

    /// <inheritdoc />
    public override Tensor Forward(OperatorCall call)
    {
        Tensor logits = call[0];
        Require(logits.Shape.Last <= 256, "logits", logits.Shape, "at most 256 classes");
        if (logits.Device.Kind == DeviceKind.Cuda)
            return CudaLoss(call);
        int[] labels = PixelLabels.Read(Name, logits, call[1], IgnoreIndex);
        Tensor output = Tensor.Empty(Shape.Scalar, logits.DType), softmax = Tensor.EmptyLike(logits);
        Tensor fractions = Tensor.Empty([2, logits.Shape.Last], DType.Float64);
        call.Save(softmax);
        call.Save(fractions);
        output[0] = logits.DType == DType.Float32
            ? Forward<float>(logits, softmax, labels, fractions)
            : Forward<double>(logits, softmax, labels, fractions);
        return output;
    }

    /// <inheritdoc />
    public override void Backward(OperatorCall call, Tensor dOutput, GradientSink gradients)
    {
        Tensor dLogits = gradients.Target(0, out bool accumulate);
        if (dLogits.Device.Kind == DeviceKind.Cuda)
        {
            CudaBackward(call, dOutput, dLogits, accumulate);
            return;
        }
        int[] labels = PixelLabels.Read(Name, call[0], call[1], IgnoreIndex);
        if (dLogits.DType == DType.Float32)
            Backward<float>(call.Saved[0], call.Saved[1], labels, dOutput[0], dLogits, accumulate);
        else
            Backward<double>(call.Saved[0], call.Saved[1], labels, dOutput[0], dLogits, accumulate);
    }

    private unsafe double Forward<T>(Tensor logits, Tensor softmax, int[] labels, Tensor fractions)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        T* x = logits.Pointer<T>(), p = softmax.Pointer<T>();
        int classes = logits.Shape.Last, chunks = (labels.Length + ChunkRows - 1) / ChunkRows;
        // Per chunk and class: sum(p g), then sum(p^2) + sum(g^2).
        double[] sums = new double[chunks * 2 * classes];
        Workers.Run(chunks, chunk =>
        {
            Span<double> products = sums.AsSpan(chunk * 2 * classes, classes), squares = sums.AsSpan((chunk * 2 + 1) * classes, classes);
            for (int row = chunk * ChunkRows; row < Math.Min(labels.Length, (chunk + 1) * ChunkRows); row++)
            {
                T* probabilities = p + (long)row * classes;
                Softmax.Row(x + (long)row * classes, probabilities, classes);
                int label = labels[row];
                if (label == PixelLabels.Ignored)
                    continue;
                for (int k = 0; k < classes; k++)
                {
                    double probability = double.CreateChecked(probabilities[k]);
                    squares[k] += probability * probability;
                }
                products[label] += double.CreateChecked(probabilities[label]);
                squares[label] += 1;
            }
        });
        double loss = 0;
        Span<double> fraction = fractions.AsSpan<double>();
        for (int k = 0; k < classes; k++)
        {
            double product = 0, square = 0;
            for (int chunk = 0; chunk < chunks; chunk++)
            {
                product += sums[chunk * 2 * classes + k];
                square += sums[(chunk * 2 + 1) * classes + k];
            }
            fraction[k] = 2 * product + Smooth;
            fraction[classes + k] = square + Smooth;
            loss += 1 - fraction[k] / fraction[classes + k];
        }
        return loss / classes;
    }

    private static unsafe void Backward<T>(
        Tensor softmax, Tensor fractions, int[] labels, double dOutput, Tensor dLogits, bool accumulate)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        T* p = softmax.Pointer<T>(), dx = dLogits.Pointer<T>();
        int classes = softmax.Shape.Last;
        double* fraction = fractions.Pointer<double>();
        Workers.Split(labels.Length, ChunkRows, (start, end) =>
        {
            Span<double> dp = stackalloc double[256];
            for (long row = start; row < end; row++)
            {
                T* probabilities = p + row * classes, gradient = dx + row * classes;
                int label = labels[row];
                double dot = 0;
                for (int k = 0; k < classes; k++)
                {
                    double probability = double.CreateChecked(probabilities[k]), d = fraction[classes + k];
                    dp[k] = label == PixelLabels.Ignored
                        ? 0
                        : -dOutput * ((k == label ? 2 : 0) - 2 * probability * fraction[k] / d) / (classes * d);
                    dot += dp[k] * probability;
                }
                for (int k = 0; k < classes; k++)
                {
                    T value = T.CreateChecked(double.CreateChecked(probabilities[k]) * (dp[k] - dot));
                    gradient[k] = accumulate ? gradient[k] + value : value;
                }
            }
        });
    }

    // kernels/soft_dice.cu; saves the softmax, and numerators and denominators (2, K).
    private Tensor CudaLoss(OperatorCall call)
    {
        Tensor logits = call[0], labels = call[1];
        PixelLabels.CheckCuda(Name, logits, labels);
        int group = PixelLabels.Group(logits, 8, 32, 256), rows = logits.Shape.Rows, classes = logits.Shape.Last;
        int blocks = CudaLaunch.GroupBlocks(logits.CudaDevice, rows, group);
        Tensor loss = Tensor.Empty(Shape.Scalar, DType.Float32, logits.Device), softmax = Tensor.EmptyLike(logits);
        Tensor fractions = Tensor.Empty([2, classes], DType.Float32, logits.Device);
        Tensor partials = Tensor.Empty([blocks, 2, classes, 2], DType.Float32, logits.Device);
        call.Save(softmax);
        call.Save(fractions);
        var launch = new CudaLaunch(logits, "soft_dice", $"soft_dice_forward_{group}");
        launch.Add(logits, labels, softmax, partials);
        PixelLabels.AddCounter(ref launch, Name, logits, IgnoreIndex);
        PixelLabels.AddRows(ref launch, logits, labels, IgnoreIndex);
        launch.RunOverGroups(rows, group);
        var total = new CudaLaunch(logits, "soft_dice", "soft_dice_forward_total", typed: false);
        total.Add(partials, loss, fractions);
        total.Add(blocks, classes);
        total.Add((float)Smooth);
        total.Run(new dim3(1), new dim3(CudaLaunch.Threads));
        return loss;
    }

    private void CudaBackward(OperatorCall call, Tensor dOutput, Tensor dLogits, bool accumulate)
    {
        Tensor logits = call[0], labels = call[1];
        int group = PixelLabels.Group(logits, 8, 32, 256);
        var launch = new CudaLaunch(logits, "soft_dice", $"soft_dice_backward_{group}");
        launch.Add(call.Saved[0], labels, call.Saved[1], dOutput, dLogits);
        PixelLabels.AddRows(ref launch, logits, labels, IgnoreIndex);
        launch.Add(accumulate);
        launch.RunOverGroups(logits.Shape.Rows, group);
    }
}
