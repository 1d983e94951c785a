using System.Globalization;
using System.Net;
using System.Text;

namespace CsUnet.Cli.Report;

/// <summary>One point of a roofline.</summary>
/// <param name="Name">What it is.</param>
/// <param name="Intensity">FLOP per byte.</param>
/// <param name="FlopsPerSecond">What was reached.</param>
internal sealed record RooflinePoint(string Name, double Intensity, double FlopsPerSecond);
