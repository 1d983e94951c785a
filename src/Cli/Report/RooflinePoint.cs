namespace CsUnet.Cli.Report;

/// <summary>One point of a roofline.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Intensity">Arithmetic intensity in FLOP per byte.</param>
/// <param name="FlopsPerSecond">The measured throughput.</param>
internal sealed record RooflinePoint(string Name, double Intensity, double FlopsPerSecond);
