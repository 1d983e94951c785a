namespace CsUnet.Cli.Report;

/// <summary>One line of a chart.</summary>
/// <param name="Name">Its name in the legend.</param>
/// <param name="Style">CSS class of its colour: a, b or c.</param>
/// <param name="Points">Its points, in ascending x.</param>
/// <param name="Faint">Whether it is thin and pale: raw values behind their smoothed line.</param>
/// <param name="Markers">Whether each point is marked by a dot, for the few points of a validation curve.</param>
internal sealed record ChartSeries(
    string Name, string Style, IReadOnlyList<(double X, double Y)> Points, bool Faint = false, bool Markers = false);
