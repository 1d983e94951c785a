using System.Globalization;
using System.Text.Json;
using CsUnet.Lab;
using CsUnet.Tensors;

namespace CsUnet.Cli.Commands.Lab;

/// <summary>
/// Projected times by the row names of a bench. <c>lab project --json</c> writes them, <c>lab bench --projected</c> reads them.
/// </summary>
/// <param name="Gpu">The GPU they were projected for.</param>
/// <param name="Seconds">Lower bound of the time of a pass, by <see cref="BenchRow.Name"/>.</param>
internal sealed record ProjectedTimes(string Gpu, IReadOnlyDictionary<string, double> Seconds)
{
    private const string What = "projection", Writer = "'csunet lab project --json FILE' writes one";

    /// <summary>Reads the file with which a bench is compared; null if none was named.</summary>
    /// <exception cref="UsageException">The file is missing or is not a projection, or the bench does not run on a GPU.</exception>
    public static ProjectedTimes? Of(string? path, DeviceSelection selection)
    {
        if (path is null)
            return null;
        ProjectedTimes projected = Read(path);
        return selection.Device.Kind == DeviceKind.Cuda
            ? projected
            : throw new UsageException($"projected for {projected.Gpu}, which says nothing about the CPU",
                place: $"--projected {path}",
                remedy: "use --device cuda");
    }

    /// <summary>Reads a file.</summary>
    /// <exception cref="UsageException">The file is missing or is not a projection.</exception>
    public static ProjectedTimes Read(string path)
    {
        return ReadFile.Parse(path, "not a projection of operators", () =>
        {
            using JsonDocument document = JsonDocument.Parse(ReadFile.Text(path));
            JsonElement root = document.RootElement;
            if (root.GetProperty("what").GetString() != What)
                throw new FormatException($"it holds a {root.GetProperty("what").GetString()}");
            return new ProjectedTimes(
                root.GetProperty("gpu").GetString() ?? "",
                root.GetProperty("rows").EnumerateArray().ToDictionary(row => row.GetProperty("name").GetString() ?? "", row =>
                    row.GetProperty("seconds").GetDouble() is > 0 and < 1e12 and var seconds
                        ? seconds
                        : throw new FormatException("a time is out of its range")));
        }, problem => new UsageException(
            problem.Problem, problem.Expected, $"--projected {problem.Place}", problem.Remedy ?? Writer, problem.Cause));
    }

    /// <summary>Creates the text of a file.</summary>
    /// <param name="gpu">The GPU.</param>
    /// <param name="rows">The launches of each pass.</param>
    /// <param name="command">The command that computed the projection.</param>
    public static string ToJson(Gpu gpu, IEnumerable<(string Name, IReadOnlyList<ProjectedLaunch> Launches)> rows, string command) =>
        ProgramJson.Text(
        new JsonFiles.ProjectionFile(What, gpu.Title, command, Machine.Commit(), [.. rows.Select(row => new JsonFiles.ProjectionEntry(
            row.Name, Math.Round(row.Launches.Sum(launch => launch.Seconds), 10),
            row.Launches.MaxBy(launch => launch.Seconds)!.Bound.Label(), row.Launches.Count))]), ProgramJson.Readable.ProjectionFile);

    /// <summary>Ratio of measured to projected time over the rows that both have: median, least and most; null if there are none.</summary>
    public (double Median, double Least, double Most, int Rows)? Errors(IEnumerable<BenchRow> rows)
    {
        double[] ratios = [.. rows.Where(row => Seconds.ContainsKey(row.Name)).Select(row => row.Times.Median / Seconds[row.Name]).Order()];
        return ratios.Length == 0 ? null : (ratios[ratios.Length / 2], ratios[0], ratios[^1], ratios.Length);
    }

    /// <summary>One line about the error of the projection.</summary>
    public string Summary(IReadOnlyCollection<BenchRow> rows) => Errors(rows) is { } errors
        ? string.Create(CultureInfo.InvariantCulture, $"measured over projected ({Gpu}): median {errors.Median:F2}, from {errors.Least:F2} "
            + $"to {errors.Most:F2}, of {errors.Rows} of {rows.Count} rows")
        : $"none of the {rows.Count} rows is among the {Seconds.Count} projected ones; project the same operators, shapes and type";
}
