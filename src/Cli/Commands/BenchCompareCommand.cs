using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using CsUnet.Tensors;

namespace CsUnet.Cli.Commands;

/// <summary><c>csunet bench compare</c>: prints two results side by side, and fails if the second is slower.</summary>
internal static class BenchCompareCommand
{
    public static Command Create(Terminal terminal)
    {
        var before = new Argument<string>("before") { Description = "JSON of bench step or lab bench." };
        var after = new Argument<string>("after") { Description = "JSON of the same command, later or elsewhere." };
        var limit = new Option<double>("--limit")
        {
            HelpName = "RATIO", Description = "Fails if a time is more than this many times the earlier one. Default: 1.1.",
                DefaultValueFactory = _ => 1.1,
        };
        var command = new Command("compare", "Prints two results side by side; exit code 1 if the second is slower than allowed.") { before,
            after, limit };
        command.SetAction(result => Run(terminal, result.GetValue(before)!, result.GetValue(after)!, result.GetValue(limit)));
        HelpWithExamples.SetNotes(command, """
            Rows are matched by name; rows that only one of the files has are listed and do not fail. Times of different machines or
            settings are compared all the same, with a warning.

            Examples:
              csunet bench compare perf/results/step-cs-unet-tiny-224-b2-cpu.json now.json --limit 1.05
            """);
        return command;
    }

    private static int Run(Terminal terminal, string before, string after, double limit)
    {
        if (!(limit > 0) || double.IsInfinity(limit))
            throw new UsageException($"--limit is {limit.ToString(CultureInfo.InvariantCulture)}", "a ratio above 0, for example 1.1");
        BenchResult a = Read(before), b = Read(after);
        foreach ((string name, string value) in a.Settings)
            if (b.Settings.GetValueOrDefault(name) is { } other && other != value)
                terminal.WriteLine($"warning: {name} differs: {value} before, {other} after");
        string[] names = [.. a.Seconds.Keys.Union(b.Seconds.Keys)];
        int width = Math.Min(LongestName, names.Max(name => PlainText.Of(name).Length));
        terminal.WriteLine($"{"".PadRight(width)} {"before, s",14} {"after, s",14} {"ratio",7}");
        int shared = 0, slower = 0;
        foreach (string name in names)
        {
            bool inBefore = a.Seconds.TryGetValue(name, out double old), inAfter = b.Seconds.TryGetValue(name, out double now);
            if (!inBefore || !inAfter)
            {
                terminal.WriteLine($"{Column(name, width)} only {(inBefore ? "before" : "after")}");
                continue;
            }
            shared++;
            bool isSlower = now > limit * old;
            slower += isSlower ? 1 : 0;
            terminal.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{Column(name, width)} {old,14:G6} {now,14:G6} {now / old,7:F3}{(isSlower ? "  SLOWER" : "")}"));
        }
        if (shared == 0)
            throw new UsageException($"{before} and {after} have no row in common", remedy: "compare results of the same command");
        terminal.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{shared} compared, {slower} slower than {limit} times"));
        return slower == 0 ? ExitCode.Success : ExitCode.Failure;
    }

    private static BenchResult Read(string path)
    {
        return ReadFile.Parse(path, "cannot be read as a result", () =>
        {
            using JsonDocument document = JsonDocument.Parse(ReadFile.Text(path));
            JsonElement root = document.RootElement;
            var seconds = new Dictionary<string, double>(StringComparer.Ordinal);
            var settings = new Dictionary<string, string>(StringComparer.Ordinal);
            foreach (string name in new[] { "what", "model", "height", "width", "batch", "precision", "device" })
                if (root.TryGetProperty(name, out JsonElement value))
                    settings.Add(name, value.ToString());
            if (root.TryGetProperty("rows", out JsonElement rows))
                foreach (JsonElement row in rows.EnumerateArray())
                    seconds[row.GetProperty("name").GetString()!] = Seconds(row.GetProperty("seconds"));
            foreach (string name in new[] { "stepSeconds", "inferenceSeconds" })
                if (root.TryGetProperty(name, out JsonElement value))
                    seconds.Add(name, Seconds(value));
            return seconds.Count > 0
                ? new BenchResult(seconds, settings)
                : throw new UsageException("holds no times", Result, path);
        }, problem => new UsageException(problem.Problem, problem.Expected ?? Result, problem.Place, problem.Remedy, problem.Cause));

        static double Seconds(JsonElement value) => value.GetDouble() is > 0 and < 1e12 and var time
            ? time
            : throw new FormatException($"a time is {PlainText.Short(value.GetRawText(), 40)}");
    }

    private static string Column(string name, int width) => PlainText.Short(name, LongestName).PadRight(width);

    private const int LongestName = 120;

    private const string Result = "what 'bench step --json' or 'lab bench --json' wrote";

    private sealed record BenchResult(IReadOnlyDictionary<string, double> Seconds, IReadOnlyDictionary<string, string> Settings);
}
