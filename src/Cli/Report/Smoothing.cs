namespace CsUnet.Cli.Report;

/// <summary>Smooths and thins long curves for display.</summary>
internal static class Smoothing
{
    /// <summary>Reduces a curve to at most <paramref name="count"/> points: the means over equal groups of neighbours.</summary>
    public static IReadOnlyList<(double X, double Y)> Thin(IReadOnlyList<(double X, double Y)> points, int count)
    {
        if (points.Count <= count)
            return points;
        var thinned = new List<(double, double)>(count);
        for (int i = 0; i < count; i++)
        {
            int start = (int)((long)i * points.Count / count), end = (int)((long)(i + 1) * points.Count / count);
            IEnumerable<(double X, double Y)> run = points.Skip(start).Take(end - start);
            thinned.Add((run.Average(point => point.X), run.Average(point => point.Y)));
        }
        return thinned;
    }

    /// <summary>The means over a centred window of about a twentieth of the curve; the window is narrower at the ends.</summary>
    public static IReadOnlyList<(double X, double Y)> Smooth(IReadOnlyList<(double X, double Y)> points)
    {
        int half = points.Count / 40;
        var smooth = new (double, double)[points.Count];
        for (int i = 0; i < points.Count; i++)
        {
            int reach = Math.Min(half, Math.Min(i, points.Count - 1 - i));
            double sum = 0;
            for (int j = i - reach; j <= i + reach; j++)
                sum += points[j].Y;
            smooth[i] = (points[i].X, sum / (2 * reach + 1));
        }
        return smooth;
    }
}
