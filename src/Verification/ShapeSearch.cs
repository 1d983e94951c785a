using CsUnet.Cuda;
using CsUnet.Tensors;

namespace CsUnet.Verification;

/// <summary>Draws shapes of a family, checks each, and shrinks a failing shape to the smallest that still fails.</summary>
internal static class ShapeSearch
{
    private const double MaxUndecided = 0.25;
    private const int MaxShrinkingChecks = 300, MaxAttempts = 2000;

    /// <summary>The result of a search.</summary>
    /// <param name="Shapes">Shapes that were checked.</param>
    /// <param name="Worst">The line with the largest error over tolerance, of all shapes.</param>
    /// <param name="WorstShape">Its shape, as the case's label.</param>
    /// <param name="ShortSteps">Entries that needed a smaller difference step.</param>
    /// <param name="Smallest">The smallest failing case, or null.</param>
    /// <param name="Failure">Its problem.</param>
    /// <param name="HasDeviceFailed">Whether the device has become unusable.</param>
    public sealed record Result(
        int Shapes, GradCheckLine? Worst, string WorstShape, int ShortSteps, OperatorCase? Smallest, string? Failure,
        bool HasDeviceFailed = false)
    {
        /// <summary>Shapes with entries whose numeric derivative was less exact than the tolerance.</summary>
        public int Undecided { get; init; }
    }

    /// <summary>Searches until a shape fails, or enough have passed.</summary>
    /// <param name="family">The shapes.</param>
    /// <param name="shapes">The number of shapes to check.</param>
    /// <param name="seed">The draws depend only on it and on the family.</param>
    /// <param name="check">Checks a case.</param>
    public static Result Run(ShapeFamily family, int shapes, uint seed, Func<OperatorCase, IReadOnlyList<GradCheckLine>> check)
    {
        var key = new RandomKey(Formula.NameHash(family.Op), seed, 0);
        ulong next = 0;
        GradCheckLine? worst = null;
        string worstShape = "";
        int shortSteps = 0, undecided = 0;
        for (int i = 0; i < shapes; i++)
        {
            int[] values = [];
            OperatorCase? item = null;
            for (int attempt = 0; item is null && attempt < MaxAttempts; attempt++)
                item = family.Create(values = family.Draw(key, ref next));
            if (item is null)
                throw new CaseException(
                    $"{family.Op} took none of {MaxAttempts} shapes: give one of its cases a family of shapes (OperatorCase.Random)");
            IReadOnlyList<GradCheckLine> lines;
            string? failure;
            try
            {
                (lines, failure) = Check(item, check);
            }
            catch (CudaException error)
            {
                // A failed device is unusable: report the shape without shrinking it.
                return new Result(i + 1, worst, worstShape, shortSteps, item, error.Message, HasDeviceFailed: true);
            }
            if (failure is not null)
            {
                (OperatorCase smallest, string reason) = Shrink(family, values, check, failure);
                return new Result(i + 1, worst, worstShape, shortSteps, smallest, reason);
            }
            shortSteps += lines.Sum(line => line.ShortSteps);
            undecided += lines.Any(line => line.Undecided > 0) ? 1 : 0;
            GradCheckLine largest = lines.MaxBy(line => line.Share)!;
            if (worst is null || largest.Share > worst.Share)
                (worst, worstShape) = (largest, item.Label);
        }
        // Sometimes a shape's gradients nearly cancel; if that happens often, the search proves nothing.
        string? vague = undecided > MaxUndecided * shapes
            ? $"{undecided} of {shapes} shapes have entries that no difference decides"
            : null;
        return new Result(shapes, worst, worstShape, shortSteps, null, vague) { Undecided = undecided };
    }

    /// <summary>
    /// The smallest failing case: set each number in turn to its minimum, halve it or decrement it while the case still fails, until
    /// nothing changes. Deterministic, so that a fix can be tried on the same shape.
    /// </summary>
    private static (OperatorCase, string) Shrink(
        ShapeFamily family, int[] values, Func<OperatorCase, IReadOnlyList<GradCheckLine>> check, string failure)
    {
        var tried = new HashSet<string>();
        bool isSmaller = true;
        while (isSmaller)
        {
            isSmaller = false;
            for (int i = 0; i < values.Length; i++)
            {
                int minimum = family.Parameters[i].Minimum;
                foreach (int value in new[] { minimum, (values[i] + minimum) / 2, values[i] - 1 })
                {
                    int[] smaller = [.. values];
                    smaller[i] = value;
                    if (value < minimum || value >= values[i] || tried.Count >= MaxShrinkingChecks || !tried.Add(string.Join(',', smaller))
                        || family.Create(smaller) is not { } item || Check(item, check).Failure is not { } reason)
                        continue;
                    (values, failure, isSmaller) = (smaller, reason, true);
                    break;
                }
            }
        }
        return (family.Create(values)!, failure);
    }

    private static (IReadOnlyList<GradCheckLine> Lines, string? Failure) Check(
        OperatorCase item, Func<OperatorCase, IReadOnlyList<GradCheckLine>> check)
    {
        try
        {
            IReadOnlyList<GradCheckLine> lines = check(item);
            return (lines, lines.FirstOrDefault(line => !line.Passed) is { } failed ? $"{failed.Argument}: {failed.Failure}" : null);
        }
        catch (Exception error) when (error is not CudaException)
        {
            // Any exception on a supported shape is a finding, and is shrunk like one.
            return ([], $"{error.GetType().Name}: {error.Message}");
        }
    }
}
