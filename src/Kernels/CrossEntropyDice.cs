using System.Numerics;
using CsUnet.Cuda.BasicTypes;
using CsUnet.Kernels.Cuda;
using CsUnet.Tensors;
using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

namespace CsUnet.Kernels;

/// <summary>
/// A weighted sum of softmax cross-entropy and soft Dice loss (Milletari et al. 2016, squared denominators) of the same logits and labels,
/// with one pass over the logits forward and one backward. Inputs: logits (..., K), labels (...) as uint8, int32 or int64 in [0, K).
/// output, a scalar: EntropyWeight * E + DiceWeight * mean over classes of (1 - N_k / D_k). With p = softmax(logits), g = onehot(label),
/// sums over the pixels that are not ignored: E = sum(w[label] * (logsumexp(logits) - logits[label])) / W, W = sum(w[label]), 0 if W is 0;
/// N_k = 2 sum(p_k g_k) + Smooth, D_k = sum(p_k^2 + g_k^2) + Smooth.
/// With dp_k = -2 DiceWeight dOutput (g_k - p_k N_k / D_k) / (K D_k): dLogits_k = p_k * (dp_k - sum(dp * p)) + EntropyWeight dOutput
/// w[label] / W * (p_k - g_k), 0 for ignored pixels. A term of weight 0 is not computed: (1, 0) is the cross-entropy, (0, 1) the Dice loss.
/// The CPU saves the softmax and the sums W, N, D; a CUDA device saves only the sums. An invalid label throws on the CPU. On a
/// CUDA device it makes loss and gradient NaN, and <see cref="InvalidLabels"/> counts it.
/// </summary>
/// <param name="EntropyWeight">Factor of the cross-entropy.</param>
/// <param name="DiceWeight">Factor of the Dice loss; K is at most 256 unless it is 0.</param>
/// <param name="ClassWeights">w, the weights of the classes in the cross-entropy; all 1 if null.</param>
/// <param name="Smooth">Keeps the Dice fraction of an absent class defined.</param>
/// <param name="IgnoreIndex">The label whose pixels are ignored; null: none.</param>
public sealed record CrossEntropyDice(
    double EntropyWeight = 0.5, double DiceWeight = 0.5, IReadOnlyList<double>? ClassWeights = null, double Smooth = 1e-5,
    int? IgnoreIndex = null) : Operator
{
    private const int ChunkRows = 8192, MostClasses = 256;

    /// <inheritdoc />
    protected override Tensor Output(OperatorCall call)
    {
        Tensor logits = call[0];
        int classes = logits.Shape.Last;
        Require(classes <= MostClasses || DiceWeight == 0, "logits", logits.Shape, $"at most {MostClasses} classes");
        if (ClassWeights is { } weights && weights.Count != classes)
        {
            throw ShapeException.Because(Name, "class weights",
                $"{ProblemText.Count(weights.Count, "class weight")} for {ProblemText.Count(classes, "class", "classes")}");
        }
        return Tensor.Empty(Shape.Scalar, logits.DType, logits.Device);
    }

    /// <inheritdoc />
    protected override void Forward<T>(OperatorCall call)
    {
        Tensor logits = call[0];
        int[] labels = PixelLabels.Read(Name, logits, call[1], IgnoreIndex);
        Tensor softmax = Tensor.EmptyLike(logits), totals = Tensor.Empty([1 + 2 * logits.Shape.Last], DType.Float64);
        call.Save(softmax);
        call.Save(totals);
        call.Output[0] = Loss<T>(logits, softmax, labels, totals);
    }

    private double Weight(int label) => ClassWeights?[label] ?? 1;

    // totals (1 + 2K): W, numerators, denominators.
    private unsafe double Loss<T>(Tensor logits, Tensor softmax, int[] labels, Tensor totals)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        T* x = logits.Pointer<T>(), p = softmax.Pointer<T>();
        int classes = logits.Shape.Last, width = 2 + 2 * classes, chunks = Ceiling.Divide(labels.Length, ChunkRows);
        // Per chunk: the cross-entropy, W, then per class sum(p g), then sum(p^2) + sum(g^2).
        double[] sums = new double[Math.Max(1, chunks) * width];
        Workers.Run(chunks, chunk =>
        {
            Span<double> sum = sums.AsSpan(chunk * width, width), products = sum.Slice(2, classes), squares = sum[(2 + classes)..];
            for (int row = chunk * ChunkRows; row < Math.Min(labels.Length, (chunk + 1) * ChunkRows); row++)
            {
                T* values = x + (long)row * classes, probabilities = p + (long)row * classes;
                (T largest, T total) = Softmax.Row(values, probabilities, classes);
                int label = labels[row];
                if (label == PixelLabels.Ignored)
                    continue;
                if (EntropyWeight != 0)
                {
                    sum[0] += Weight(label) * double.CreateChecked(T.Log(total) - (values[label] - largest));
                    sum[1] += Weight(label);
                }
                if (DiceWeight == 0)
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
        for (int chunk = 1; chunk < chunks; chunk++)
            TensorPrimitives.Add(sums.AsSpan(0, width), sums.AsSpan(chunk * width, width), sums.AsSpan(0, width));
        Span<double> saved = totals.AsSpan<double>();
        saved[0] = sums[1];
        double dice = 0;
        for (int k = 0; k < classes; k++)
        {
            saved[1 + k] = 2 * sums[2 + k] + Smooth;
            saved[1 + classes + k] = sums[2 + classes + k] + Smooth;
            dice += 1 - saved[1 + k] / saved[1 + classes + k];
        }
        double entropy = sums[1] == 0 ? 0 : EntropyWeight * (sums[0] / sums[1]);
        return DiceWeight == 0 ? entropy : entropy + DiceWeight * (dice / classes);
    }

    /// <inheritdoc />
    protected override unsafe void Backward<T>(OperatorCall call, Tensor dOutput, GradientSink gradients)
    {
        Tensor dLogits = gradients.Target(0, out bool accumulate);
        int[] labels = PixelLabels.Read(Name, call[0], call[1], IgnoreIndex);
        T* p = call.Saved[0].Pointer<T>(), dx = dLogits.Pointer<T>();
        double* totals = call.Saved[1].Pointer<double>();
        int classes = dLogits.Shape.Last;
        double slope = dOutput[0], entropySlope = totals[0] == 0 ? 0 : EntropyWeight * slope / totals[0];
        double diceSlope = -2 * DiceWeight * slope / classes;
        Workers.Split(labels.Length, ChunkRows, (start, end) =>
        {
            Span<double> dp = stackalloc double[MostClasses];
            for (long row = start; row < end; row++)
            {
                T* probabilities = p + row * classes, gradient = dx + row * classes;
                int label = labels[row];
                bool counts = label != PixelLabels.Ignored;
                double dot = 0, factor = counts ? Weight(label) * entropySlope : 0;
                for (int k = 0; k < classes && DiceWeight != 0; k++)
                {
                    double probability = double.CreateChecked(probabilities[k]), denominator = totals[1 + classes + k];
                    dp[k] = counts ? diceSlope * ((k == label ? 1 : 0) - probability * totals[1 + k] / denominator) / denominator : 0;
                    dot += dp[k] * probability;
                }
                for (int k = 0; k < classes; k++)
                {
                    double probability = double.CreateChecked(probabilities[k]);
                    double ofEntropy = factor * (probability - (k == label ? 1 : 0));
                    T value = T.CreateChecked(DiceWeight == 0 ? ofEntropy : probability * (dp[k] - dot) + ofEntropy);
                    gradient[k] = accumulate ? gradient[k] + value : value;
                }
            }
        });
    }

    // kernels/cross_entropy_dice.cu; saves the sum of weights, numerators and denominators (1 + 2K).
    /// <inheritdoc />
    protected override void CudaForward(OperatorCall call)
    {
        Tensor logits = call[0], labels = call[1];
        PixelLabels.CheckCuda(Name, logits, labels);
        int group = PixelLabels.Group(logits, 8, 32, 256), rows = logits.Shape.Rows, classes = logits.Shape.Last;
        int blocks = CudaLaunch.GroupBlocks(logits.CudaDevice, rows, group);
        Tensor totals = Tensor.Empty([1 + 2 * classes], DType.Float32, logits.Device);
        Tensor partials = Tensor.Empty([2 + 2 * classes, blocks, 2], DType.Float32, logits.Device);
        call.Save(totals);
        var launch = new CudaLaunch(logits, "cross_entropy_dice", $"cross_entropy_dice_forward_{group}");
        launch.Add(logits, labels);
        launch.Add(PixelLabels.CudaWeights(ClassWeights, logits.Device));
        launch.Add(partials);
        PixelLabels.AddCounter(ref launch, Name, logits, IgnoreIndex);
        PixelLabels.AddRows(ref launch, logits, labels, IgnoreIndex);
        launch.Add(DiceWeight != 0);
        launch.RunOverGroups(rows, group);
        var total = new CudaLaunch(logits, "cross_entropy_dice", "cross_entropy_dice_forward_total", typed: false);
        total.Add(partials, call.Output, totals);
        total.Add(blocks, classes);
        total.Add((float)Smooth);
        total.Add((float)EntropyWeight);
        total.Add((float)DiceWeight);
        total.Run(new dim3(1), new dim3(CudaLaunch.Threads));
    }

    /// <inheritdoc />
    protected override void CudaBackward(OperatorCall call, Tensor dOutput, GradientSink gradients)
    {
        Tensor logits = call[0], labels = call[1], dLogits = gradients.Target(0, out bool accumulate);
        int group = PixelLabels.Group(logits, 8, 32, 256);
        var launch = new CudaLaunch(logits, "cross_entropy_dice", $"cross_entropy_dice_backward_{group}");
        launch.Add(logits, labels);
        launch.Add(PixelLabels.CudaWeights(ClassWeights, logits.Device));
        launch.Add(call.Saved[0], dOutput, dLogits);
        PixelLabels.AddRows(ref launch, logits, labels, IgnoreIndex);
        launch.Add((float)EntropyWeight);
        launch.Add((float)DiceWeight);
        launch.Add(accumulate);
        launch.RunOverGroups(logits.Shape.Rows, group);
    }
}
