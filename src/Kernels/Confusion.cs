using CsUnet.Cuda.BasicTypes;
using CsUnet.Kernels.Cuda;
using CsUnet.Tensors;

namespace CsUnet.Kernels;

/// <summary>Counts pixels by true and predicted class.</summary>
public static class Confusion
{
    // Up to this many classes, kernels/argmax.cu counts in shared memory.
    private const int SharedClasses = 64;

    /// <summary>
    /// counts[truth, prediction] += 1 for every pixel whose truth is not <paramref name="ignoreIndex"/>. The last entry of counts += 1 for
    /// every pixel with an invalid label.
    /// </summary>
    /// <param name="truth">True labels (...), uint8.</param>
    /// <param name="prediction">Predicted labels, uint8, as many as true ones.</param>
    /// <param name="counts">(classes * classes + 1) int64; the call adds to them.</param>
    /// <param name="ignoreIndex">The true label whose pixels are ignored.</param>
    /// <exception cref="ShapeException">A tensor has another shape or type.</exception>
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
        launch.Run(new dim3((int)Math.Clamp(Ceiling.Divide(truth.Count, CudaLaunch.Threads), 1, blocks)),
            new dim3(CudaLaunch.Threads), dynamicShared);
    }
}
