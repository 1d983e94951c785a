using System.Globalization;
using CsUnet.Kernels.Cuda;
using CsUnet.Tensors;

namespace CsUnet.Kernels;

/// <summary>Class labels as the losses read them: uint8, int32 or int64, one per row of the logits.</summary>
internal static unsafe class PixelLabels
{
    /// <summary>Marks an ignored pixel.</summary>
    public const int Ignored = -1;

    private static readonly Dictionary<(Device, string), Tensor> s_weights = [];

    /// <summary>The labels as integers; <see cref="Ignored"/> replaces those equal to <paramref name="ignoreIndex"/>.</summary>
    /// <exception cref="ShapeException">The number of labels is not the number of rows, or a label is not a class.</exception>
    public static int[] Read(string op, Tensor logits, Tensor labels, int? ignoreIndex)
    {
        Check(op, logits, labels);
        if (DryRun.IsActive)
            return [];
        int[] result = new int[labels.Count];
        int classes = logits.Shape.Last;
        for (int i = 0; i < result.Length; i++)
        {
            long label = labels.DType switch
            {
                DType.UInt8 => labels.Pointer<byte>()[i],
                DType.Int32 => labels.Pointer<int>()[i],
                _ => labels.Pointer<long>()[i],
            };
            if (label == ignoreIndex)
                result[i] = Ignored;
            else if (label >= 0 && label < classes)
                result[i] = (int)label;
            else
                throw new ShapeException(op, $"label {i}", label, Range(classes, ignoreIndex));
        }
        return result;
    }

    /// <summary>The valid labels, for messages.</summary>
    public static string Range(int classes, int? ignoreIndex) =>
        $"from 0 to {classes - 1}" + (ignoreIndex is { } value ? $", or {value} to ignore" : "");

    /// <summary>Checks types and shapes.</summary>
    /// <exception cref="ShapeException">The number of labels is not the number of rows, or a type is not supported.</exception>
    public static void Check(string op, Tensor logits, Tensor labels)
    {
        if (!logits.DType.IsFloat() || logits.Shape.Rank < 2 || logits.Shape.Last < 1)
            throw new ShapeException(op, "logits", logits, "a float32 or float64 tensor (..., classes)");
        if (!labels.DType.IsInteger())
            throw new ShapeException(op, "labels", labels, "uint8, int32 or int64");
        if (labels.Count != logits.Shape.Rows)
            throw new ShapeException(op, "labels", labels.Shape, $"{logits.Shape.Rows} labels, one per row of logits {logits.Shape}");
    }

    /// <summary>Checks types and shapes for the CUDA kernels of the losses.</summary>
    /// <exception cref="ShapeException">The number of labels is not the number of rows, or a type is not supported.</exception>
    public static void CheckCuda(string op, Tensor logits, Tensor labels)
    {
        Check(op, logits, labels);
        if (logits.DType != DType.Float32)
            throw new ShapeException(op, "logits", logits, "float32: losses are computed in float32, so cast the logits first");
    }

    /// <summary>
    /// Class weights in device memory. They are copied once per device and weights, because a recorded launch cannot copy from the host.
    /// Null if there are none; kernels then use 1 for every class.
    /// </summary>
    public static Tensor? CudaWeights(IReadOnlyList<double>? weights, Device device)
    {
        if (weights is null)
            return null;
        (Device, string) key = (device, string.Join(' ', weights.Select(weight => weight.ToString("R", CultureInfo.InvariantCulture))));
        lock (s_weights)
        {
            if (!s_weights.TryGetValue(key, out Tensor? found))
            {
                using StepArena.PersistentScope scope = StepArena.Suspend();
                s_weights.Add(key, found = Tensor.From([.. weights.Select(weight => (float)weight)], [weights.Count]).To(device));
            }
            return found;
        }
    }

    /// <summary>
    /// The number of lanes per row, which is in the kernels' names: the smallest of <paramref name="groups"/> that fits the classes.
    /// </summary>
    public static int Group(Tensor logits, params ReadOnlySpan<int> groups)
    {
        foreach (int group in groups)
            if (logits.Shape.Last <= group)
                return group;
        throw new ShapeException("loss", "logits", logits.Shape, $"at most {groups[^1]} classes on a CUDA device");
    }

    /// <summary>Adds the device's counter of invalid labels, for a loss that counts them.</summary>
    public static void AddCounter(ref CudaLaunch launch, string op, Tensor logits, int? ignoreIndex) =>
        launch.Add(InvalidLabels.CounterFor(logits.Device, op, Range(logits.Shape.Last, ignoreIndex)));

    /// <summary>Adds rows, classes, bytes of a label, and the ignored label (if there is none, a number that no label has).</summary>
    public static void AddRows(ref CudaLaunch launch, Tensor logits, Tensor labels, int? ignoreIndex)
    {
        launch.Add((long)logits.Shape.Rows);
        launch.Add(logits.Shape.Last, labels.DType.Size());
        launch.Add(ignoreIndex ?? long.MinValue);
    }
}
