using System.Globalization;
using System.Xml.Linq;
using CsUnet.Cli.Report;

namespace CsUnet.Tests.Cli;

/// <summary>The charts are well-formed SVG with all points inside the picture, for any values.</summary>
public sealed class ChartTests
{
    [Fact]
    public void Empty_chart_says_so() => Assert.Contains("no values yet", Parse(new LineChart("Loss", "step", [])).ToString());

    [Theory]
    [InlineData(0.0, 0.0)]
    [InlineData(0.5, 0.5)]
    [InlineData(-3.0, 7.0)]
    [InlineData(0.0, 1e-9)]
    [InlineData(1e-4, 1e6)]
    public void Points_lie_inside_the_picture(double low, double high)
    {
        (double, double)[] points = [.. Enumerable.Range(0, 50).Select(i => ((double)i + 1, low + (high - low) * i / 49))];
        AssertInside(Parse(new LineChart("Loss", "step", [new ChartSeries("training", "a", points, Markers: true)])));
    }

    [Fact]
    public void Values_that_are_not_finite_are_left_out()
    {
        (double, double)[] points = [(1, 0.5), (2, double.NaN), (3, double.PositiveInfinity), (4, 0.25)];
        XElement svg = Parse(new LineChart("Loss", "step", [new ChartSeries("training", "a", points)]));
        AssertInside(svg);
        Assert.Equal(2, PointsOf(svg).Count());
    }

    [Fact]
    public void Values_outside_a_fixed_axis_are_cut_off() =>
        AssertInside(Parse(new LineChart("IoU", "step", [new ChartSeries("validation", "c", [(1, -5.0), (2, 5.0)])], 0, 1)));

    [Fact]
    public void Text_is_escaped() =>
        Assert.Contains("a < b & c", Parse(new LineChart("a < b & c", "x", [new ChartSeries("s", "a", [(1, 1)])])).Value);

    [Fact]
    public void Thinning_keeps_mean_and_ends()
    {
        (double X, double Y)[] points = [.. Enumerable.Range(0, 10_000).Select(i => ((double)i, i % 7 / 7.0))];
        IReadOnlyList<(double X, double Y)> thin = Smoothing.Thin(points, 500);
        Assert.Equal(500, thin.Count);
        Assert.Equal(points.Average(point => point.Y), thin.Average(point => point.Y), 6);
        Assert.InRange(thin[0].X, 0, 20);
        Assert.InRange(thin[^1].X, 9979, 9999);
    }

    [Fact]
    public void Smoothing_keeps_a_straight_line()
    {
        (double X, double Y)[] points = [.. Enumerable.Range(0, 200).Select(i => ((double)i, 3.0 * i))];
        Assert.All(Smoothing.Smooth(points), point => Assert.Equal(3 * point.X, point.Y, 9));
    }

    private static XElement Parse(LineChart chart)
    {
        XElement element = XElement.Parse(chart.ToElement());
        Assert.NotNull(XDocument.Parse(chart.ToFile()).Root);
        return element;
    }

    private static IEnumerable<(double X, double Y)> PointsOf(XElement svg) => svg.Elements()
        .Where(element => element.Name.LocalName == "polyline")
        .SelectMany(line => ((string)line.Attribute("points")!).Split(' ', StringSplitOptions.RemoveEmptyEntries))
        .Select(pair => pair.Split(',')).Select(pair => (Number(pair[0]), Number(pair[1])));

    private static void AssertInside(XElement svg) => Assert.All(PointsOf(svg), point =>
    {
        Assert.InRange(point.X, 0, 640);
        Assert.InRange(point.Y, 0, 320);
    });

    private static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);
}
