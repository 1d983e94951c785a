using System.Numerics;
using CsUnet.Cuda.BasicTypes;
using CsUnet.Kernels.Cuda;
using CsUnet.Tensors;

namespace CsUnet.Kernels;

/// <summary>
/// Softmax cross-entropy. Inputs: logits (..., K), labels (...) as uint8 or int64 in [0, K). output, a scalar, is
/// sum of w[label] * (logsumexp(logits) - logits[label]) over the pixels that count, divided by their sum of w[label];
/// dLogits = w[label] / sum w * (softmax(logits) - onehot(label)), 0 for ignored pixels. If no pixel counts, all are 0.
/// Saves the softmax. On a CUDA device a label that is no class makes loss and gradient NaN, and <see cref="InvalidLabels"/> counts it.
/// </summary>
/// <param name="ClassWeights">w, one per class; all 1 if null.</param>
/// <param name="IgnoreIndex">A label that does not count; none if null.</param>
public sealed record CrossEntropy(IReadOnlyList<double>? ClassWeights = null, int? IgnoreIndex = null) : Operator
{
    private const int ChunkRows = 8192;

    /// <inheritdoc />
    public override Tensor Forward(OperatorCall call)
    {
        Tensor logits = call[0];
        Require(ClassWeights is null || ClassWeights.Count == logits.Shape.Last, "class weights", $"{ClassWeights?.Count} numbers",
            $"{logits.Shape.Last} = classes of logits {logits.Shape}");
        if (logits.Device.Kind == DeviceKind.Cuda)
            return CudaLoss(call);
        int[] labels = PixelLabels.Read(Name, logits, call[1], IgnoreIndex);
        Tensor output = Tensor.Empty(Shape.Scalar, logits.DType), softmax = Tensor.EmptyLike(logits);
        call.Save(softmax);
        output[0] = logits.DType == DType.Float32 ? Forward<float>(logits, softmax, labels) : Forward<double>(logits, softmax, labels);
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
            Backward<float>(call.Saved[0], labels, dOutput[0], dLogits, accumulate);
        else
            Backward<double>(call.Saved[0], labels, dOutput[0], dLogits, accumulate);
    }

    private double Weight(int label) => label == PixelLabels.Ignored ? 0 : ClassWeights?[label] ?? 1;

    private double TotalWeight(int[] labels)
    {
        double total = 0;
        foreach (int label in labels)
            total += Weight(label);
        return total;
    }

    private unsafe double Forward<T>(Tensor logits, Tensor softmax, int[] labels) where T : unmanaged, IFloatingPointIeee754<T>
    {
        T* x = logits.Pointer<T>(), p = softmax.Pointer<T>();
        int classes = logits.Shape.Last, chunks = (labels.Length + ChunkRows - 1) / ChunkRows;
        double[] losses = new double[chunks];
        Workers.Run(chunks, chunk =>
        {
            double loss = 0;
            for (int row = chunk * ChunkRows; row < Math.Min(labels.Length, (chunk + 1) * ChunkRows); row++)
            {
                T* rowX = x + (long)row * classes;
                (T largest, T sum) = Softmax.Row(rowX, p + (long)row * classes, classes);
                int label = labels[row];
                if (label != PixelLabels.Ignored)
                    loss += Weight(label) * double.CreateChecked(T.Log(sum) - (rowX[label] - largest));
            }
            losses[chunk] = loss;
        });
        double weight = TotalWeight(labels);
        return weight == 0 ? 0 : losses.Sum() / weight;
    }

    private unsafe void Backward<T>(Tensor softmax, int[] labels, double dOutput, Tensor dLogits, bool accumulate)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        T* p = softmax.Pointer<T>(), dx = dLogits.Pointer<T>();
        int classes = softmax.Shape.Last;
        double weight = TotalWeight(labels), scale = weight == 0 ? 0 : dOutput / weight;
        Workers.Split(labels.Length, ChunkRows, (start, end) =>
        {
            for (long row = start; row < end; row++)
            {
                int label = labels[row];
                T factor = T.CreateChecked(Weight(label) * scale);
                for (int k = 0; k < classes; k++)
                {
                    T value = factor * (p[row * classes + k] - (k == label ? T.One : T.Zero));
                    dx[row * classes + k] = accumulate ? dx[row * classes + k] + value : value;
                }
            }
        });
    }

    // kernels/cross_entropy.cu; saves the softmax and the sum of weights.
    private Tensor CudaLoss(OperatorCall call)
    {
        Tensor logits = call[0], labels = call[1];
        PixelLabels.CheckCuda(Name, logits, labels);
        int group = PixelLabels.Group(logits, 8, 32, 256), rows = logits.Shape.Rows;
        int blocks = CudaLaunch.GroupBlocks(logits.CudaDevice, rows, group);
        Tensor loss = Tensor.Empty(Shape.Scalar, DType.Float32, logits.Device), softmax = Tensor.EmptyLike(logits);
        Tensor weight = Tensor.EmptyLike(loss), partials = Tensor.Empty([2, blocks, 2], DType.Float32, logits.Device);
        call.Save(softmax);
        call.Save(weight);
        var launch = new CudaLaunch(logits, "cross_entropy", $"cross_entropy_forward_{group}");
        launch.Add(logits, labels);
        launch.Add(PixelLabels.CudaWeights(ClassWeights, logits.Device));
        launch.Add(softmax, partials);
        PixelLabels.AddCounter(ref launch, Name, logits, IgnoreIndex);
        PixelLabels.AddRows(ref launch, logits, labels, IgnoreIndex);
        launch.RunOverGroups(rows, group);
        var total = new CudaLaunch(logits, "cross_entropy", "cross_entropy_forward_total", typed: false);
        total.Add(partials, loss, weight);
        total.Add(blocks);
        total.Run(new dim3(1), new dim3(CudaLaunch.Threads));
        return loss;
    }

    private void CudaBackward(OperatorCall call, Tensor dOutput, Tensor dLogits, bool accumulate)
    {
        Tensor logits = call[0], labels = call[1];
        int group = PixelLabels.Group(logits, 8, 256);
        var launch = new CudaLaunch(logits, "cross_entropy", $"cross_entropy_backward_{group}");
        launch.Add(call.Saved[0], labels);
        launch.Add(PixelLabels.CudaWeights(ClassWeights, logits.Device));
        launch.Add(call.Saved[1], dOutput, dLogits);
        PixelLabels.AddRows(ref launch, logits, labels, IgnoreIndex);
        launch.Add(accumulate);
        launch.RunOverGroups(logits.Shape.Rows, group);
    }
}
