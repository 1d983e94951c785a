using CsUnet.Tensors;

namespace CsUnet.Kernels;

/// <summary>Class labels as the losses read them: uint8 or int64, one per row of the logits.</summary>
internal static unsafe class PixelLabels
{
    /// <summary>Marks a pixel that does not count.</summary>
    public const int Ignored = -1;

    /// <summary>The labels as integers, those equal to <paramref name="ignoreIndex"/> replaced by <see cref="Ignored"/>.</summary>
    /// <exception cref="ShapeException">There is not one label per row, or a label is not below the number of classes.</exception>
    public static int[] Read(string op, Tensor logits, Tensor labels, int? ignoreIndex)
    {
        if (!logits.DType.IsFloat() || logits.Shape.Rank < 2 || logits.Shape.Last < 1)
            throw new ShapeException(op, "logits", logits, "a float32 or float64 tensor (..., classes)");
        if (labels.DType is not (DType.UInt8 or DType.Int64))
            throw new ShapeException(op, "labels", labels, "uint8 or int64");
        if (labels.Count != logits.Shape.Rows)
            throw new ShapeException(op, "labels", labels.Shape, $"{logits.Shape.Rows} labels, one per row of logits {logits.Shape}");
        int[] result = new int[labels.Count];
        int classes = logits.Shape.Last;
        for (int i = 0; i < result.Length; i++)
        {
            long label = labels.DType == DType.UInt8 ? labels.Pointer<byte>()[i] : labels.Pointer<long>()[i];
            if (label == ignoreIndex)
                result[i] = Ignored;
            else if (label >= 0 && label < classes)
                result[i] = (int)label;
            else
                throw new ShapeException(op, $"label {i}", label, $"from 0 to {classes - 1}" + (ignoreIndex is { } v ? $", or {v} to ignore" : ""));
        }
        return result;
    }
}
