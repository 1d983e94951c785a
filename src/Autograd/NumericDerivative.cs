namespace CsUnet.Autograd;

/// <summary>
/// Central differences of sum(output * g) along a line, with an estimate of their own error.
/// </summary>
/// <remarks>
/// D(h) = sum((f(h) - f(-h)) * g) / 2h is taken at h and h/2. The extrapolated (4 D(h/2) - D(h)) / 3 has an error of order h^4. Its
/// distance from D(h/2), of order h^2, bounds that error. Both are blind to a kink at 0 itself. There S(h) = sum((f(h) - 2 f(0) + f(-h)) *
/// g) / h stays the same when h is halved, whereas for a smooth function it halves too. So the estimate also includes |2 S(h/2) - S(h)|,
/// which for a smooth function is of order h^3, and the rounding of the outputs that moved. If the estimate is not far below the tolerance,
/// the step shrinks, or grows if rounding dominates the estimate. The step with the smallest estimate wins. The choice never looks at the
/// analytic gradient.
/// </remarks>
internal readonly record struct NumericDerivative(double Value, double Error, bool IsShortStep)
{
    private const int Reductions = 4, Growths = 2;
    private const double Reduction = 1.0 / 16, Growth = 8;

    // Rounding errors of one output that two evaluations do not share: a few units in the last place.
    private const double OutputRounding = 4 * 2.2204460492503131e-16;

    /// <summary>The derivative at 0 of the function along a line.</summary>
    /// <param name="moveTo">Moves to a position on the line; returns the position actually reached.</param>
    /// <param name="evaluate">Computes the output at that position.</param>
    /// <param name="origin">The output at 0.</param>
    /// <param name="weights">g.</param>
    /// <param name="step">The first h.</param>
    /// <param name="wanted">An error estimate small enough to stop at.</param>
    public static NumericDerivative Along(
        Func<double, double> moveTo, Func<double[]> evaluate, double[] origin, double[] weights, double step, double wanted)
    {
        var best = new NumericDerivative(double.NaN, double.PositiveInfinity, false);
        double factor = Reduction;
        int changes = Reductions;
        for (int change = 0; change <= changes; change++, step *= factor)
        {
            (double far, double farBend, _) = Difference(step);
            (double near, double nearBend, double rounding) = Difference(step / 2);
            double extrapolated = (4 * near - far) / 3, truncation = Math.Abs(extrapolated - near) + Math.Abs(2 * nearBend - farBend);
            double error = truncation + rounding;
            if (error < best.Error || double.IsNaN(best.Value))
                best = new NumericDerivative(extrapolated, error, change > 0 && factor == Reduction);
            if (best.Error <= wanted)
                break;
            // The bend is a difference of four outputs, so rounding enters it several times as strongly as the derivative.
            if (change == 0 && truncation < 4 * rounding)
                (factor, changes) = (Growth, Growths);
        }
        return best;

        (double Value, double Bend, double Rounding) Difference(double h)
        {
            double up = moveTo(h);
            double[] above = evaluate();
            double down = moveTo(-h);
            double[] below = evaluate();
            double sum = 0, bend = 0, squares = 0;
            // Subtract first: the separate sums of f(h) and f(-h) would round away most of their difference.
            for (int i = 0; i < above.Length; i++)
            {
                double difference = above[i] - below[i];
                sum += difference * weights[i];
                bend += (above[i] - origin[i] + (below[i] - origin[i])) * weights[i];
                if (difference != 0)
                    squares += above[i] * weights[i] * above[i] * weights[i];
            }
            return (sum / (up - down), bend / (up - down), OutputRounding * Math.Sqrt(squares) / (up - down));
        }
    }
}
