using CsCheck;
using CsUnet.Cuda;

namespace CsUnet.Verification;

/// <summary>Draws shapes of a family, checks each, and shrinks one that fails to the smallest that still does.</summary>
internal static class ShapeSearch
{
    private const double MaxUndecided = 0.25;
    private const int MaxShrinkingChecks = 300, MaxAttempts = 2000;

    /// <summary>What a search found.</summary>
    /// <param name="Shapes">Shapes that were checked.</param>
    /// <param name="Worst">The line with the largest share of what was allowed, of any shape.</param>
    /// <param name="WorstShape">Its shape, as the case's label.</param>
    /// <param name="ShortSteps">Entries that needed a smaller difference step.</param>
    /// <param name="Smallest">The smallest failing case, or null.</param>
    /// <param name="Failure">What is wrong with it.</param>
    /// <param name="HasDeviceFailed">Whether the device can run nothing any more.</param>
    public sealed record Result(
        int Shapes, GradCheckLine? Worst, string WorstShape, int ShortSteps, OperatorCase? Smallest, string? Failure, bool HasDeviceFailed = false)
    {
        /// <summary>Shapes with entries whose numeric derivative was less exact than the tolerance.</summary>
        public int Undecided { get; init; }
    }

    /// <summary>Searches until a shape fails, or enough have passed.</summary>
    /// <param name="family">The shapes.</param>
    /// <param name="shapes">How many to check.</param>
    /// <param name="seed">What is drawn depends on it and on the family only.</param>
    /// <param name="check">Checks a case.</param>
    public static Result Run(ShapeFamily family, int shapes, uint seed, Func<OperatorCase, IReadOnlyList<GradCheckLine>> check)
    {
        Gen<int[]> draw = family.Draw();
        var random = new PCG(seed, Formula.NameHash(family.Op));
        GradCheckLine? worst = null;
        string worstShape = "";
        int shortSteps = 0, undecided = 0;
        for (int i = 0; i < shapes; i++)
        {
            int[] values = [];
            OperatorCase? item = null;
            for (int attempt = 0; item is null && attempt < MaxAttempts; attempt++)
                item = family.Create(values = draw.Generate(random, null, out _));
            if (item is null)
                throw new CaseException($"{family.Op} took none of {MaxAttempts} shapes: give one of its cases a family of shapes (OperatorCase.Random)");
            IReadOnlyList<GradCheckLine> lines;
            string? failure;
            try
            {
                (lines, failure) = Check(item, check);
            }
            catch (CudaException error)
            {
                // A device that failed runs nothing any more: the shape is reported as it was drawn.
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
        // Now and then a shape's gradients nearly cancel; if they often do, the search shows nothing.
        string? vague = undecided > MaxUndecided * shapes ? $"{undecided} of {shapes} shapes have entries that no difference decides" : null;
        return new Result(shapes, worst, worstShape, shortSteps, null, vague) { Undecided = undecided };
    }

    /// <summary>
    /// The smallest case: each number in turn is set to its minimum, halved, or made one less, as long as the case still fails, until none
    /// can be. Deterministic, so a fix is tried on the same shape.
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
            // Whatever an operator throws on a shape that it should take is a finding, and shrunk as one.
            return ([], $"{error.GetType().Name}: {error.Message}");
        }
    }
}
