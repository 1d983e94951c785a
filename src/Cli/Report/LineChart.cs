using System.Globalization;
using System.Text;

namespace CsUnet.Cli.Report;

/// <summary>
/// A line chart as SVG text. Its colours are CSS variables with a light and a dark value, so the same SVG can be embedded in the report and
/// be a file of its own.
/// </summary>
/// <param name="Title">The title above the chart.</param>
/// <param name="XLabel">The label below the chart.</param>
/// <param name="Series">The lines; later ones are drawn over earlier ones.</param>
/// <param name="Minimum">Lowest value of the y axis; null: from the data.</param>
/// <param name="Maximum">Highest value of the y axis; null: from the data.</param>
internal sealed record LineChart(
    string Title, string XLabel, IReadOnlyList<ChartSeries> Series, double? Minimum = null, double? Maximum = null)
{
    private const int Width = 640, Height = 320, Left = 56, Right = 16, Top = 40, Bottom = 44;

    /// <summary>Colours of a chart, for a page that embeds it or for its own file.</summary>
    public const string Style =
        ".chart{--ink:#1f2328;--faint:#6e7781;--grid:#d8dee4;--a:#0969da;--b:#bc4c00;--c:#1a7f37;--paper:#fff}"
        + "@media (prefers-color-scheme:dark){.chart{--ink:#e6edf3;--faint:#8b949e;--grid:#30363d;--a:#58a6ff;--b:#f0883e;--c:#56d364;--paper:#0d1117}}"
        + ".chart text{font:12px system-ui,sans-serif;fill:var(--faint)}.chart .title{font-size:14px;font-weight:600;fill:var(--ink)}"
        + ".chart .grid{stroke:var(--grid)}.chart .line{fill:none;stroke-width:2;stroke-linejoin:round}"
        + ".chart .faint{stroke-width:1;opacity:.4}.chart .a{stroke:var(--a)}.chart .b{stroke:var(--b)}.chart .c{stroke:var(--c)}"
        + ".chart circle{stroke-width:1.5;fill:var(--paper)}";

    /// <summary>The chart as a file that every browser can show.</summary>
    public string ToFile() => "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n" + ToSvg(
        $"<style>{Style}</style><rect width=\"{Width}\" height=\"{Height}\" style=\"fill:var(--paper)\"/>");

    /// <summary>The chart as an element of a page that contains <see cref="Style"/>.</summary>
    public string ToElement() => ToSvg("");

    private string ToSvg(string head)
    {
        var svg = new StringBuilder();
        svg.Append(CultureInfo.InvariantCulture,
            $"<svg class=\"chart\" xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {Width} {Height}\" role=\"img\" "
                + $"aria-label=\"{Text(Title)}\">{head}\n");
        svg.Append(CultureInfo.InvariantCulture, $"<text class=\"title\" x=\"{Left}\" y=\"20\">{Text(Title)}</text>\n");
        (double X, double Y)[] all = [.. Series.SelectMany(series => series.Points).Where(point => double.IsFinite(point.Y))];
        if (all.Length == 0)
            return svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{Left}\" y=\"{Height / 2}\">no values yet</text></svg>\n")
                .ToString();
        Axis xAxis = Axis.Over(0, Math.Max(1, all.Max(point => point.X)), 6, tight: true);
        Axis yAxis = Axis.Over(Minimum ?? all.Min(point => point.Y), Maximum ?? all.Max(point => point.Y), 5, tight: false);
        double X(double x) => Left + (x - xAxis.Low) / (xAxis.High - xAxis.Low) * (Width - Left - Right);
        double Y(double y) => Height - Bottom - (y - yAxis.Low) / (yAxis.High - yAxis.Low) * (Height - Top - Bottom);

        foreach (double tick in yAxis.Ticks)
        {
            svg.Append(CultureInfo.InvariantCulture,
                $"<line class=\"grid\" x1=\"{Left}\" x2=\"{Width - Right}\" y1=\"{Y(tick):F1}\" y2=\"{Y(tick):F1}\"/>"
                + $"<text x=\"{Left - 8}\" y=\"{Y(tick) + 4:F1}\" text-anchor=\"end\">{yAxis.Label(tick)}</text>\n");
        }
        foreach (double tick in xAxis.Ticks)
            svg.Append(CultureInfo.InvariantCulture,
                $"<text x=\"{X(tick):F1}\" y=\"{Height - Bottom + 18}\" text-anchor=\"middle\">{xAxis.Label(tick)}</text>\n");
        svg.Append(CultureInfo.InvariantCulture,
            $"<text x=\"{(Left + Width - Right) / 2}\" y=\"{Height - 8}\" text-anchor=\"middle\">{Text(XLabel)}</text>\n");

        foreach (ChartSeries series in Series)
        {
            string points = string.Join(' ', series.Points.Where(point => double.IsFinite(point.Y)).Select(point => string.Create(
                CultureInfo.InvariantCulture, $"{X(point.X):F1},{Y(Math.Clamp(point.Y, yAxis.Low, yAxis.High)):F1}")));
            svg.Append(CultureInfo.InvariantCulture,
                $"<polyline class=\"line {series.Style}{(series.Faint ? " faint" : "")}\" points=\"{points}\"/>\n");
            if (series.Markers)
                foreach ((double x, double y) in series.Points.Where(point => double.IsFinite(point.Y)))
                    svg.Append(CultureInfo.InvariantCulture,
                        $"<circle class=\"{series.Style}\" cx=\"{X(x):F1}\" cy=\"{Y(y):F1}\" r=\"3\"/>\n");
        }
        AppendLegend(svg);
        return svg.Append("</svg>\n").ToString();
    }

    private void AppendLegend(StringBuilder svg)
    {
        double x = Width - Right;
        foreach (ChartSeries series in Series.Reverse().Where(series => !series.Faint))
        {
            // SVG cannot measure text before drawing it. 6.6 pixels per letter is enough for the font's average.
            x -= series.Name.Length * 6.6;
            svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{x:F0}\" y=\"20\">{Text(series.Name)}</text>"
                + $"<line class=\"line {series.Style}\" x1=\"{x - 24:F0}\" x2=\"{x - 6:F0}\" y1=\"16\" y2=\"16\"/>\n");
            x -= 40;
        }
    }

    private static string Text(string text) => HtmlText.Of(text);

    /// <summary>An axis with round ticks: their spacing is 1, 2 or 5 times a power of ten.</summary>
    private sealed record Axis(double Low, double High, double Step)
    {
        public static Axis Over(double low, double high, int ticks, bool tight)
        {
            if (high - low < 1e-9)
                (low, high) = (low - 0.5, high + 0.5);
            double raw = (high - low) / ticks;
            double power = Math.Pow(10, Math.Floor(Math.Log10(raw)));
            double step = power * (raw / power) switch { <= 1 => 1, <= 2 => 2, <= 5 => 5, _ => 10 };
            return tight
                ? new Axis(low, high, Math.Max(1, step))
                : new Axis(Math.Floor(low / step + 1e-9) * step, Math.Ceiling(high / step - 1e-9) * step, step);
        }

        public IEnumerable<double> Ticks
        {
            get
            {
                for (long i = (long)Math.Ceiling(Low / Step - 1e-6); i * Step <= High + Step * 1e-6; i++)
                    yield return i * Step;
            }
        }

        public string Label(double tick) =>
            tick.ToString($"F{Math.Clamp((int)Math.Ceiling(-Math.Log10(Step) - 1e-9), 0, 8)}", CultureInfo.InvariantCulture);
    }
}
