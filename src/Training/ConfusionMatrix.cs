using CsUnet.Nn;
using CsUnet.Tensors;

namespace CsUnet.Training;

/// <summary>
/// Counts pixels by true and predicted class. With TP, FP, FN of class k: IoU = TP / (TP + FP + FN), Dice = 2 TP / (2 TP + FP + FN).
/// The means are over the classes of the truth, as in Long, Shelhamer and Darrell 2015 (mean IU): a class without a pixel of truth has no
/// IoU that could be averaged. Predicting it still costs, because its pixels are false negatives of the classes that they are taken from.
/// </summary>
public sealed class ConfusionMatrix
{
    /// <summary>The label of ignored pixels.</summary>
    public const byte Ignore = SegmentationLoss.IgnoreIndex;

    // Far more pixels than any set has; sums of such counts do not overflow.
    private const long LargestCount = 1L << 44;

    private readonly long[] _counts;

    /// <summary>An empty matrix.</summary>
    /// <param name="classes">Number of classes, 1 to 255.</param>
    public ConfusionMatrix(int classes)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(classes, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(classes, 255);
        Classes = classes;
        _counts = new long[classes * classes];
    }

    /// <summary>A matrix of counts (classes, classes), row-major.</summary>
    internal ConfusionMatrix(int classes, ReadOnlySpan<long> counts) : this(classes) => counts.CopyTo(_counts);

    /// <summary>Number of classes.</summary>
    public int Classes { get; }

    /// <summary>Pixels of class <paramref name="truth"/> that were labelled <paramref name="prediction"/>.</summary>
    public long this[int truth, int prediction] => _counts[checked(truth * Classes + prediction)];

    /// <summary>Number of counted pixels.</summary>
    public long Total => _counts.Sum();

    /// <summary>Adds pixels by their true and predicted labels. Pixels whose true label is <see cref="Ignore"/> are skipped.</summary>
    /// <exception cref="ArgumentException">The lengths differ, or a label is not less than the number of classes.</exception>
    public void Add(ReadOnlySpan<byte> truth, ReadOnlySpan<byte> prediction)
    {
        if (truth.Length != prediction.Length)
            throw new ArgumentException($"ConfusionMatrix: {prediction.Length} predicted labels for {truth.Length} true ones");
        for (int i = 0; i < truth.Length; i++)
        {
            int row = truth[i], column = prediction[i];
            if (row == Ignore)
                continue;
            if (row >= Classes || column >= Classes)
                throw new ArgumentException(
                    $"ConfusionMatrix: pixel {i} has truth {row} and prediction {column}, expected labels below {Classes} (truth may be "
                        + $"{Ignore} to ignore)");
            _counts[row * Classes + column]++;
        }
    }

    /// <summary>Adds two label maps: uint8 tensors of equal size.</summary>
    public void Add(Tensor truth, Tensor prediction) => Add(truth.AsSpan<byte>(), prediction.AsSpan<byte>());

    /// <summary>Adds another matrix with the same number of classes.</summary>
    public void Add(ConfusionMatrix other)
    {
        if (other.Classes != Classes)
            throw new ArgumentException($"ConfusionMatrix: {other.Classes} classes, expected {Classes}", nameof(other));
        for (int i = 0; i < _counts.Length; i++)
            _counts[i] += other._counts[i];
    }

    /// <summary>Pixels of the class in the truth.</summary>
    public long TruthCount(int index)
    {
        long sum = 0;
        for (int k = 0; k < Classes; k++)
            sum += this[index, k];
        return sum;
    }

    /// <summary>Pixels of the class in the prediction.</summary>
    public long PredictionCount(int index)
    {
        long sum = 0;
        for (int k = 0; k < Classes; k++)
            sum += this[k, index];
        return sum;
    }

    /// <summary>Intersection over union of a class; null if it has no pixel of truth.</summary>
    public double? IoU(int index)
    {
        long truth = TruthCount(index), union = truth + PredictionCount(index) - this[index, index];
        return truth == 0 ? null : (double)this[index, index] / union;
    }

    /// <summary>Dice coefficient of a class; null if it has no pixel of truth.</summary>
    public double? Dice(int index)
    {
        long truth = TruthCount(index);
        return truth == 0 ? null : 2.0 * this[index, index] / (truth + PredictionCount(index));
    }

    /// <summary>Mean IoU over the classes that occur in the truth; 0 if no pixel was counted.</summary>
    public double MeanIoU => Mean(IoU, _ => true);

    /// <summary>Mean Dice over the classes that occur in the truth; 0 if no pixel was counted.</summary>
    public double MeanDice => Mean(Dice, _ => true);

    /// <summary>Whether a class has a pixel of truth, and so a part in the means.</summary>
    public bool Occurs(int index) => TruthCount(index) > 0;

    /// <summary>
    /// Mean IoU over those of the given classes that occur in the truth; 0 if none of them does.
    /// </summary>
    /// <param name="classes">Whether to count a class, by label.</param>
    public double MeanIoUOver(IReadOnlyList<bool> classes) => Mean(IoU, k => classes[k]);

    /// <summary>Fraction of correctly labelled pixels; 0 if no pixel was counted.</summary>
    public double PixelAccuracy
    {
        get
        {
            long right = 0, total = Total;
            for (int k = 0; k < Classes; k++)
                right += this[k, k];
            return total == 0 ? 0 : (double)right / total;
        }
    }

    /// <summary>The counts as rows: one per true class, one entry per predicted class.</summary>
    public long[][] ToRows() => [.. Enumerable.Range(0, Classes).Select(row => _counts.AsSpan(row * Classes, Classes).ToArray())];

    /// <summary>Creates a matrix from rows as <see cref="ToRows"/> returns them.</summary>
    /// <exception cref="ArgumentException">The rows do not form a square, or a count is negative.</exception>
    public static ConfusionMatrix FromRows(IReadOnlyList<IReadOnlyList<long>> rows)
    {
        var matrix = new ConfusionMatrix(rows.Count);
        for (int row = 0; row < rows.Count; row++)
        {
            if (rows[row].Count != rows.Count || rows[row].Any(count => count is < 0 or > LargestCount))
                throw new ArgumentException($"ConfusionMatrix: row {row} must hold {rows.Count} counts from 0 to {LargestCount}",
                    nameof(rows));
            for (int column = 0; column < rows.Count; column++)
                matrix._counts[row * rows.Count + column] = rows[row][column];
        }
        return matrix;
    }

    private double Mean(Func<int, double?> metric, Func<int, bool> isCounted)
    {
        double sum = 0;
        int present = 0;
        for (int k = 0; k < Classes; k++)
        {
            if (!isCounted(k) || metric(k) is not { } value)
                continue;
            sum += value;
            present++;
        }
        return present == 0 ? 0 : sum / present;
    }
}
