using System.Globalization;
using System.Text;

namespace CsUnet.Cli.Report;

/// <summary>
/// A roofline plot (Williams et al. 2009) as SVG text: kernel throughput against arithmetic intensity, below the memory and arithmetic
/// ceilings of the machine. Both axes are logarithmic. Colours use <see cref="LineChart.Style"/>.
/// </summary>
/// <param name="Title">The title above the plot.</param>
/// <param name="BytesPerSecond">The memory ceiling: the slope.</param>
/// <param name="FlopsPerSecond">The arithmetic ceiling: the roof.</param>
/// <param name="Points">The kernels.</param>
internal sealed record RooflineChart(string Title, double BytesPerSecond, double FlopsPerSecond, IReadOnlyList<RooflinePoint> Points)
{
    private const int Width = 900, Height = 480, Left = 70, Right = 20, Top = 40, Bottom = 50;

    /// <summary>The plot as an element of a page that contains <see cref="LineChart.Style"/>.</summary>
    public string ToElement() => ToSvg("");

    /// <summary>The plot as a file that every browser can show.</summary>
    public string ToFile() => "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n" + ToSvg(
        $"<style>{LineChart.Style}</style><rect width=\"{Width}\" height=\"{Height}\" style=\"fill:var(--paper)\"/>");

    private string ToSvg(string head)
    {
        double ridge = FlopsPerSecond / BytesPerSecond;
        double lowX = Math.Floor(Math.Log10(Math.Min(ridge / 10, Points.Min(point => point.Intensity)))),
            highX = Math.Ceiling(Math.Log10(Math.Max(ridge * 10, Points.Max(point => point.Intensity))));
        double highY = Math.Ceiling(Math.Log10(FlopsPerSecond)),
            lowY = Math.Min(highY - 3, Math.Floor(Math.Log10(Points.Min(point => point.FlopsPerSecond))));
        double X(double intensity) => Left + (Math.Log10(intensity) - lowX) / (highX - lowX) * (Width - Left - Right);
        double Y(double flops) => Height - Bottom - (Math.Log10(flops) - lowY) / (highY - lowY) * (Height - Top - Bottom);
        var svg = new StringBuilder();
        svg.Append(CultureInfo.InvariantCulture,
            $"<svg class=\"chart\" xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {Width} {Height}\" role=\"img\" "
                + $"aria-label=\"{Text(Title)}\">{head}\n<text class=\"title\" x=\"{Left}\" y=\"20\">{Text(Title)}</text>\n");
        for (double decade = lowX; decade <= highX; decade++)
            svg.Append(CultureInfo.InvariantCulture,
                $"<line class=\"grid\" x1=\"{X(Math.Pow(10, decade)):F1}\" x2=\"{X(Math.Pow(10, decade)):F1}\" y1=\"{Top}\" "
                    + $"y2=\"{Height - Bottom}\"/><text x=\"{X(Math.Pow(10, decade)):F1}\" y=\"{Height - Bottom + 18}\" "
                    + $"text-anchor=\"middle\">{Math.Pow(10, decade):G3}</text>\n");
        for (double decade = lowY; decade <= highY; decade++)
            svg.Append(CultureInfo.InvariantCulture,
                $"<line class=\"grid\" x1=\"{Left}\" x2=\"{Width - Right}\" y1=\"{Y(Math.Pow(10, decade)):F1}\" "
                    + $"y2=\"{Y(Math.Pow(10, decade)):F1}\"/><text x=\"{Left - 8}\" y=\"{Y(Math.Pow(10, decade)) + 4:F1}\" "
                    + $"text-anchor=\"end\">{Math.Pow(10, decade - 9):G3}</text>\n");
        svg.Append(CultureInfo.InvariantCulture,
            $"<text x=\"{(Left + Width - Right) / 2}\" y=\"{Height - 10}\" text-anchor=\"middle\">FLOP per byte</text><text x=\"{Left}\" "
                + $"y=\"{Top - 6}\">GFLOP/s</text>\n");
        double slopeStart = Math.Max(Math.Pow(10, lowX), Math.Pow(10, lowY) / BytesPerSecond);
        svg.Append(CultureInfo.InvariantCulture,
            $"<polyline class=\"line a\" points=\"{X(slopeStart):F1},{Y(slopeStart * BytesPerSecond):F1} "
                + $"{X(ridge):F1},{Y(FlopsPerSecond):F1} {Width - Right},{Y(FlopsPerSecond):F1}\"/>\n");
        foreach (RooflinePoint point in Points)
            svg.Append(CultureInfo.InvariantCulture,
                $"<circle class=\"b\" cx=\"{X(point.Intensity):F1}\" cy=\"{Y(point.FlopsPerSecond):F1}\" "
                    + $"r=\"4\"><title>{Text(point.Name)}: {point.FlopsPerSecond / 1e9:F1} GFLOP/s at {point.Intensity:F1} "
                    + $"FLOP/byte</title></circle>\n");
        return svg.Append("</svg>").ToString();
    }

    private static string Text(string text) => HtmlText.Of(text);
}
