using System.CommandLine;
using System.Globalization;
using CsUnet.Cases;
using CsUnet.Training;

namespace CsUnet.Cli.Commands;

/// <summary><c>csunet gradcheck</c>: analytic gradients against central differences.</summary>
internal static class GradCheckCommand
{
    public static Command Create(Terminal terminal)
    {
        Option<string?> op = Options.Text("--op", "NAME", "Only the checks whose name holds this text, for example LayerNorm.");
        Option<bool> all = Options.Flag("--all", "Also the single modules of the network, and more entries of each tensor.");
        Option<int?> threads = Shared.Threads();
        var command = new Command("gradcheck", "Compares every operator's and network's gradients with central differences, in float64.")
        {
            op, all, threads,
        };
        command.SetAction(result =>
        {
            Shared.UseThreads(result.GetValue(threads));
            return Run(terminal, result.GetValue(op), result.GetValue(all));
        });
        HelpWithExamples.SetNotes(command, """
            Each check differentiates sum(output * g) with a fixed random g by every input and parameter, at all entries of
            small tensors and at a sample of large ones. The error is relative to the gradient's largest entry. Exit code 1
            if a check fails.

            Examples:
              csunet gradcheck
              csunet gradcheck --op WindowAttention
              csunet gradcheck --all
            """);
        return command;
    }

    private static int Run(Terminal terminal, string? op, bool all)
    {
        if (op is not null && !GradCheckSuite.Names.Any(name => name.Contains(op, StringComparison.OrdinalIgnoreCase)))
        {
            List<string> names = [.. GradCheckSuite.Names.Select(name => name.Split(' ')[0]).Distinct()];
            throw new UsageException($"--op {op}: no check has this in its name{NearestName.Hint(op, names)}; there are {string.Join(", ", names)}");
        }
        int passed = 0, failed = 0;
        terminal.WriteLine($"{"check",-60} {"entries",8} {"error",9} {"s",7}");
        GradCheckSuite.Run(op, all, report =>
        {
            if (report.Passed)
                passed++;
            else
                failed++;
            terminal.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{report.Name,-60} {report.Entries,8} {report.Error,9:0.0E+00} {report.Elapsed.TotalSeconds,7:F2}{(report.Passed ? "" : "  FAILED")}"));
            if (report.Failure is not null)
                terminal.WriteLine($"  {report.Failure}");
            terminal.Out.Flush();
        });
        terminal.WriteLine($"{passed} passed, {failed} failed");
        return failed == 0 ? ExitCode.Success : ExitCode.Failure;
    }
}
