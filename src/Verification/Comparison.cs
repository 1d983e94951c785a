using CsUnet.Tensors;

namespace CsUnet.Verification;

/// <summary>The largest difference between a tensor and its reference.</summary>
/// <param name="Tensor">The tensor's name.</param>
/// <param name="Index">Its index, for example <c>(1,3,0,7)</c>.</param>
/// <param name="Got">The engine's number.</param>
/// <param name="Expected">The reference's.</param>
/// <param name="Error">Their difference over the scale; infinite if a number is not finite.</param>
/// <param name="Tolerance">The largest allowed error.</param>
public sealed record Comparison(string Tensor, string Index, double Got, double Expected, double Error, double Tolerance)
{
    /// <summary>A comparison of nothing.</summary>
    public static Comparison None { get; } = new("", "", 0, 0, 0, 0);

    /// <summary>Whether the error is within tolerance.</summary>
    public bool IsWithin => Error <= Tolerance;

    /// <summary>Compares every entry of two tensors of equal shape.</summary>
    /// <param name="name">Name for messages.</param>
    /// <param name="got">The engine's tensor.</param>
    /// <param name="expected">The reference.</param>
    /// <param name="tolerance">The largest allowed error, relative to <paramref name="scale"/>.</param>
    /// <param name="scale">The scale of errors; null for the reference's largest entry.</param>
    /// <exception cref="CaseException">The shapes differ.</exception>
    public static Comparison Of(string name, Tensor got, Tensor expected, double tolerance, double? scale = null)
    {
        if (got.Shape != expected.Shape)
            throw new CaseException($"{name}: shape {got.Shape}, expected {expected.Shape}");
        double unit = scale ?? LargestEntry(expected);
        double largest = -1;
        long where = 0;
        for (long i = 0; i < expected.Count; i++)
        {
            double difference = Math.Abs(got[i] - expected[i]);
            if (double.IsNaN(difference))
                difference = double.PositiveInfinity;
            if (difference > largest)
                (largest, where) = (difference, i);
        }
        if (largest < 0)
            return None with { Tensor = name, Tolerance = tolerance };
        // A reference of zeros has no scale: every difference is too large.
        double error = largest == 0 ? 0 : unit > 0 ? largest / unit : double.PositiveInfinity;
        return new Comparison(name, IndexText(expected.Shape, where), got[where], expected[where], error, tolerance);
    }

    /// <summary>The largest absolute value of a tensor.</summary>
    public static double LargestEntry(Tensor tensor)
    {
        double largest = 0;
        for (long i = 0; i < tensor.Count; i++)
            largest = Math.Max(largest, Math.Abs(tensor[i]));
        return largest;
    }

    /// <summary>The square root of the sum of squares.</summary>
    public static double Norm(Tensor tensor)
    {
        double sum = 0;
        for (long i = 0; i < tensor.Count; i++)
            sum += tensor[i] * tensor[i];
        return Math.Sqrt(sum);
    }

    /// <summary>The norm of the difference of two tensors of equal shape; infinite if an entry is not finite.</summary>
    public static double Distance(Tensor got, Tensor expected)
    {
        double sum = 0;
        for (long i = 0; i < expected.Count; i++)
            sum += (got[i] - expected[i]) * (got[i] - expected[i]);
        return double.IsFinite(sum) ? Math.Sqrt(sum) : double.PositiveInfinity;
    }

    /// <summary>A row-major index as coordinates.</summary>
    public static string IndexText(Shape shape, long position)
    {
        var coordinates = new long[shape.Rank];
        for (int i = shape.Rank - 1; i >= 0; i--)
            (position, coordinates[i]) = Math.DivRem(position, shape[i]);
        return $"({string.Join(',', coordinates)})";
    }

    /// <summary>For example <c>grad.in.0 (0,3): 0.25, expected 0.5, error 5.00E-001, 500 times the tolerance 1.00E-003</c>.</summary>
    public override string ToString() => FormattableString.Invariant(
        $"{Tensor} {Index}: {Got:G9}, expected {Expected:G9}, error {Error:E2}, {Error / Tolerance:G3} times the tolerance {Tolerance:E2}");
}
