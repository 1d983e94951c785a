namespace CsUnet.Lab;

/// <summary>Statistics of repeated time measurements, in seconds.</summary>
/// <param name="Median">The median.</param>
/// <param name="Low">The tenth percentile.</param>
/// <param name="High">The ninetieth percentile.</param>
/// <param name="Runs">Number of runs.</param>
public sealed record Times(double Median, double Low, double High, int Runs)
{
    /// <summary>The statistics of a list of times.</summary>
    public static Times Of(IReadOnlyCollection<double> seconds)
    {
        double[] sorted = [.. seconds.Order()];
        return new Times(sorted[sorted.Length / 2], sorted[sorted.Length / 10], sorted[sorted.Length * 9 / 10], sorted.Length);
    }
}
