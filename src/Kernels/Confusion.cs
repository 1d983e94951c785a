using CsUnet.Cuda.BasicTypes;
using CsUnet.Kernels.Cuda;
using CsUnet.Tensors;

namespace CsUnet.Kernels;

/// <summary>Counts pixels by true and predicted class.</summary>
public static class Confusion
{
    // Where kernels/argmax.cu counts in shared memory.
    private const int SharedClasses = 64;

    /// <summary>
    /// counts[truth, prediction] += 1 for every pixel whose truth is not <paramref name="ignoreIndex"/>; the last of the counts += 1 for
    /// every pixel of which one label is no class.
    /// </summary>
    /// <param name="truth">True labels (...), uint8.</param>
    /// <param name="prediction">Predicted labels, as many, uint8.</param>
    /// <param name="counts">(classes * classes + 1) int64, added to.</param>
    /// <param name="ignoreIndex">The label that does not count.</param>
    /// <exception cref="ShapeException">A tensor is something else.</exception>
    public static void Add(Tensor truth, Tensor prediction, Tensor counts, int ignoreIndex)
    {
        int classes = (int)Math.Sqrt(counts.Count - 1);
        if (counts.DType != DType.Int64 || classes < 1 || classes * classes + 1 != counts.Count)
            throw new ShapeException(nameof(Confusion), nameof(counts), counts, "int64 (classes * classes + 1)");
        foreach ((string name, Tensor labels) in new[] { (nameof(truth), truth), (nameof(prediction), prediction) })
            if (labels.DType != DType.UInt8 || labels.Count != truth.Count || labels.Device != counts.Device)
                throw new ShapeException(nameof(Confusion), name, $"{labels} on {labels.Device}",
                    $"uint8 {truth.Shape} on {counts.Device}");
        if (counts.Device.Kind == DeviceKind.Cuda)
        {
            CudaAdd(truth, prediction, counts, classes, ignoreIndex);
            return;
        }
        Span<byte> rows = truth.AsSpan<byte>(), columns = prediction.AsSpan<byte>();
        Span<long> cells = counts.AsSpan<long>();
        for (int i = 0; i < rows.Length; i++)
            if (rows[i] != ignoreIndex)
                cells[rows[i] < classes && columns[i] < classes ? rows[i] * classes + columns[i] : classes * classes]++;
    }

    // kernels/argmax.cu
    private static void CudaAdd(Tensor truth, Tensor prediction, Tensor counts, int classes, int ignoreIndex)
    {
        var launch = new CudaLaunch(counts, "argmax", "confusion", typed: false);
        launch.Add(prediction, truth, counts);
        launch.Add(truth.Count);
        launch.Add(classes, truth.DType.Size());
        launch.Add((long)ignoreIndex);
        int blocks = 2 * counts.CudaDevice.Properties.MultiProcessorCount;
        int dynamicShared = classes <= SharedClasses ? sizeof(uint) * (classes * classes + 1) : 0;
        launch.Run(new dim3((int)Math.Clamp((truth.Count + CudaLaunch.Threads - 1) / CudaLaunch.Threads, 1, blocks)),
            new dim3(CudaLaunch.Threads), dynamicShared);
    }
}
