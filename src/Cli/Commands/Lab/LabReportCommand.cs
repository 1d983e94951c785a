using System.CommandLine;
using System.Globalization;
using System.Text;
using CsUnet.Cli.Report;
using CsUnet.Lab;
using CsUnet.Tensors;

namespace CsUnet.Cli.Commands.Lab;

/// <summary><c>csunet lab report</c>: writes a bench as one HTML page with a roofline plot.</summary>
internal static class LabReportCommand
{
    public static Command Create(Terminal terminal)
    {
        var arguments = new LabArguments();
        Option<string?> output = Options.OutputFile("--out", "FILE",
            "The page. Default: lab-report.html; a roofline.svg, a .csv and a .json are written beside it.");
        var command = new Command("report", "Benches operators and writes a page with tables and a roofline plot.") { output };
        arguments.AddTo(command);
        command.Add(arguments.Milliseconds);
        command.Add(arguments.Projected);
        command.SetAction(result =>
        {
            IReadOnlyList<LabCase> cases = arguments.Cases(result);
            (DeviceSelection selection, DType type) = arguments.Open(result);
            using PrecisionScope precision = arguments.PrecisionOf(result).Use(selection.Device);
            LabArguments.RequireClock(selection);
            ProjectedTimes? projected = ProjectedTimes.Of(result.GetValue(arguments.Projected), selection);
            string path = result.GetValue(output) ?? "lab-report.html";
            foreach (string extension in new[] { Path.GetExtension(path), ".svg", ".csv", ".json" })
                OutputFiles.CheckFile($"--out {path}", Path.ChangeExtension(path, extension));
            using var interrupt = new Interrupt(terminal);
            LabRun run = LabRun.Measure(terminal, arguments, result, selection, type, cases, allVariants: true, projected, interrupt.Token);
            RooflinePoint[] points = [.. run.Rows.Where(row => row.Flops > 0).Select(row =>
                new RooflinePoint($"{row.Op} {row.Shape} {row.Pass.ToString().ToLowerInvariant()} {row.Variant}", row.Intensity,
                    row.FlopsPerSecond))];
            RooflineChart? chart = points.Length == 0
                ? null
                : new RooflineChart($"Roofline: {run.Device}", run.Ceilings.BytesPerSecond, run.Ceilings.FlopsPerSecond, points);
            OutputFiles.WriteText(path, Page(run, chart, CommandHelpers.CommandLineOf(result)));
            if (chart is not null)
                OutputFiles.WriteText(Path.ChangeExtension(path, ".svg"), chart.ToFile());
            OutputFiles.WriteText(Path.ChangeExtension(path, ".csv"), LabTable.ToCsv(run));
            OutputFiles.WriteText(Path.ChangeExtension(path, ".json"), LabTable.ToJson(run, CommandHelpers.CommandLineOf(result)));
            terminal.WriteLine($"written: {path}");
            return run.Failures.Count == 0 ? ExitCode.Success : ExitCode.Failure;
        });
        HelpWithExamples.SetNotes(command, """
            Examples:
              csunet lab report --device cpu --out report.html
            """);
        return command;
    }

    private static string Page(LabRun run, RooflineChart? chart, string command)
    {
        var html = new StringBuilder();
        html.Append(CultureInfo.InvariantCulture, $"""
            <!doctype html>
            <html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
            <meta name="color-scheme" content="light dark"><title>Kernel lab</title>
            <style>{HtmlReport.Style}{LineChart.Style}</style></head><body><main>
            <h1>Kernel lab</h1><p class="faint">{Text(run.Device)}; {DateTimeOffset.UtcNow:yyyy-MM-dd HH:mm} UTC; <code>{Text(command)}</code></p>
            <div class="cards"><div class="card"><b>{run.Ceilings.BytesPerSecond / 1e9:F0} GB/s</b><span>memory ceiling</span></div>
            <div class="card"><b>{run.Ceilings.FlopsPerSecond / 1e12:F2} TFLOP/s</b><span>arithmetic ceiling</span></div>
            <div class="card"><b>{run.Rows.Count}</b><span>measured passes</span></div></div>
            <p class="faint">{Text(run.Ceilings.Source)}, in the same run. Every row passed its check against the double reference first.</p>

            """);
        if (chart is not null)
            html.Append(CultureInfo.InvariantCulture, $"<h2>Roofline</h2><div class=\"panel\">{chart.ToElement()}</div>\n");
        foreach (IGrouping<string, BenchRow> group in run.Rows.GroupBy(row => row.Op))
        {
            html.Append(CultureInfo.InvariantCulture, $"<h2>{Text(group.Key)}</h2><div class=\"scroll\"><table><tr><th>shape</th><th>pass</th><th>variant</th><th class=\"n\">time, us</th><th class=\"n\">10-90 %</th><th class=\"n\">GB/s</th><th class=\"n\">TFLOP/s</th><th class=\"n\">of peak</th>{(run.Projected is null ? "" : "<th class=\"n\">projected, us</th><th class=\"n\">measured over it</th>")}<th>baseline</th></tr>\n");
            foreach (BenchRow row in group)
            {
                string arithmetic = row.Flops > 0 ? string.Create(CultureInfo.InvariantCulture, $"{row.FlopsPerSecond / 1e12:F3}") : "";
                string baseline = row.Speedup is { } speedup ? string.Create(CultureInfo.InvariantCulture,
                    $"{row.Baseline} {row.BaselineTimes!.Median * 1e6:F1} us, x{speedup:F2}") : "";
                string projected = run.Projected is null ? ""
                    : run.Projected.Seconds.TryGetValue(row.Name, out double least) ? string.Create(CultureInfo.InvariantCulture,
                        $"<td class=\"n\">{least * 1e6:F1}</td><td class=\"n\">{row.Times.Median / least:F2}</td>")
                    : "<td></td><td></td>";
                html.Append(CultureInfo.InvariantCulture, $"<tr><td>{Text(row.Shape)}</td><td>{row.Pass.ToString().ToLowerInvariant()}</td><td>{Text(row.Variant)}</td><td class=\"n\">{row.Times.Median * 1e6:F1}</td><td class=\"n\">{row.Times.Low * 1e6:F1}-{row.Times.High * 1e6:F1}</td><td class=\"n\">{row.BytesPerSecond / 1e9:F1}</td><td class=\"n\">{arithmetic}</td><td class=\"n\">{row.ShareOf(run.Ceilings):P0}</td>{projected}<td>{Text(baseline)}</td></tr>\n");
            }
            html.Append("</table></div>\n");
        }
        if (run.Projected is not null)
            html.Append(CultureInfo.InvariantCulture, $"<p>{Text(run.Projected.Summary(run.Rows))}</p>\n");
        foreach (string failure in run.Failures)
            html.Append(CultureInfo.InvariantCulture, $"<p>Not timed, its check failed: {Text(failure)}</p>\n");
        return html.Append("</main></body></html>\n").ToString();
    }

    private static string Text(string text) => HtmlText.Of(text);
}
