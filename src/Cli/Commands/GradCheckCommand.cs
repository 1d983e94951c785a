using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using CsUnet.Cli.Report;
using CsUnet.Models.Networks;
using CsUnet.Tensors;
using CsUnet.Verification;

namespace CsUnet.Cli.Commands;

/// <summary>
/// <c>csunet gradcheck</c>: checks analytic gradients against central differences, and kernels against analytic gradients.
/// </summary>
internal static class GradCheckCommand
{
    public static Command Create(Terminal terminal)
    {
        Option<string?> device = Options.Text("--device", "NAME",
            "cpu: gradients in double against central differences. cuda, cuda:N or cuda:emulated: kernels against the CPU's "
                + "gradients. Default: cpu.");
        Option<string?> op = CommandHelpers.Op("checks");
        Option<string?> model = Options.Choice("--model", "PRESET", "Only the whole network of a preset, at 64x64.",
            [.. SegmentationModels.Names]);
        Option<bool> all = Options.Flag("--all",
            "Also the single modules of the network, more entries of each tensor, and more random shapes.");
        Option<string?> json = Options.OutputFile("--json", "FILE", "Writes every result, with machine, commit and command.");
        Option<string?> report = Options.OutputFile("--report", "FILE.html", "Writes the results as a page, worst first.");
        Option<int?> threads = CommandHelpers.Threads();
        var command = new Command("gradcheck", "Checks the gradients of every operator and network, and the kernels that compute them.")
        {
            device, op, model, all, json, report, threads,
        };
        command.SetAction(result =>
        {
            if (result.GetValue(op) is not null && result.GetValue(model) is not null)
                throw new UsageException("--op and --model contradict each other; --model checks one whole network",
                    remedy: "give one of them");
            CommandHelpers.UseThreads(result.GetValue(threads));
            DeviceSelection selected = CommandHelpers.OpenDevice(result.GetValue(device) ?? "cpu");
            var selection = new GradCheckSelection
            {
                Pattern = result.GetValue(op), Model = result.GetValue(model), All = result.GetValue(all), Device = selected.Device,
            };
            RequireKnown(selection);
            GradCheckSummary summary = Run(terminal, selection, selected.Description, CommandHelpers.CommandLineOf(result));
            if (result.GetValue(json) is { } jsonFile)
                Write(terminal, jsonFile, summary.ToJson());
            if (result.GetValue(report) is { } page)
                Write(terminal, page, GradCheckPage.Render(summary));
            return CodeOf(summary);
        });
        HelpWithExamples.SetNotes(command, """
            Each check differentiates sum(output * g) with a fixed random g by every input and parameter: at all entries of small
            tensors and a sample of large ones, along a random direction that moves all entries, twice for the same bits, twice
            for added gradients, with tensors used twice, and with views. Error is relative to the gradient's largest entry, share
            is the error over what was allowed. Random shapes are drawn too; the smallest one that fails is printed as a line for
            src/Verification/OperatorCases.cs. On a CUDA device tf32 and bf16 are compared with a plain implementation in the same
            precision, for whole networks by length: of a tensor's error over its own. Exit code 1 if a check fails.

            Examples:
              csunet gradcheck
              csunet gradcheck --op WindowAttention
              csunet gradcheck --all --report gradients.html
              csunet gradcheck --device cuda:emulated --op LayerNorm
            """);
        return command;
    }

    /// <summary>The program's exit code: failure if any check failed.</summary>
    internal static int CodeOf(GradCheckSummary summary) => summary.Failed == 0 ? ExitCode.Success : ExitCode.Failure;

    private static void RequireKnown(GradCheckSelection selection)
    {
        IReadOnlyList<string> known = GradCheckSuite.NamesOn(selection.Device);
        if (selection.Pattern is not { } pattern || known.Any(new NamePattern(pattern).Matches))
            return;
        List<string> names = [.. known.Select(name => name.Split(' ')[0]).Distinct()];
        throw UsageException.Unknown("no check has this in its name", pattern, names, $"--op {pattern}");
    }

    private static void Write(Terminal terminal, string path, string text)
    {
        OutputFiles.WriteText(path, text);
        terminal.WriteLine($"written: {path}");
    }

    private static GradCheckSummary Run(Terminal terminal, GradCheckSelection selection, string device, string command)
    {
        long start = Stopwatch.GetTimestamp();
        var reports = new List<GradCheckReport>();
        terminal.WriteLine($"{device}; {Machine.Current.Describe()}, {Workers.Count} threads");
        terminal.WriteLine($"{"check",-48} {"type",-8} {"argument",-28} {"error",8} {"share",6} {"entries",8}  worst at");
        GradCheckSuite.Run(selection, report =>
        {
            reports.Add(report);
            foreach (GradCheckLine line in report.Lines)
                terminal.WriteLine(Format(report, line));
            if (report.Refusal is not null)
                terminal.WriteLine($"{report.Name,-48} {report.Type,-8} not taken: {report.Refusal}");
            if (report.Failure is not null)
                terminal.WriteLines($"FAILED {report.Name}: {report.Failure}");
            if (report.Reproduction is not null)
                terminal.WriteLines($"  the smallest failing shape, for src/Verification/OperatorCases.cs:\n  {report.Reproduction}");
            terminal.Out.Flush();
        });
        var summary = new GradCheckSummary(reports, device, command, selection, Stopwatch.GetElapsedTime(start));
        terminal.WriteLines(summary.Text);
        return summary;
    }

    private static string Format(GradCheckReport report, GradCheckLine line)
    {
        var notes = new List<string>();
        if (line.Check is not ("entries" or "double"))
            notes.Add(line.Check);
        if (line.Undecided > 0)
            notes.Add($"{line.Undecided} undecided");
        if (line.ShortSteps > 0)
            notes.Add($"{line.ShortSteps} shorter steps");
        if (report.Kinks.Length > 0 && ReferenceEquals(line, report.Lines[0]))
            notes.Add(report.Kinks);
        string note = notes.Count == 0 ? "" : $" ({string.Join("; ", notes)})";
        return string.Create(CultureInfo.InvariantCulture,
            $"{report.Name,-48} {report.Type,-8} {line.Argument,-28} {line.Error,8:0.0E+00} {line.Share,6:0.000} {line.Entries,8}  "
                + $"{line.Where}{note}{(line.Passed ? "" : "  FAILED")}");
    }
}
