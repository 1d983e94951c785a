using System.CommandLine;
using CsUnet.Lab;
using CsUnet.Tensors;

namespace CsUnet.Cli.Commands.Lab;

/// <summary><c>csunet lab bench</c> and <c>csunet lab compare</c>: compare times with the machine's limits and with each other.</summary>
internal static class LabBenchCommand
{
    private const string Notes = """
        What fails its check against the double reference is not timed, and the exit code is 1. Bytes and operations are counted
        from shapes; peak is the share of what the machine reaches on the same bytes or operations, whichever takes longer. The
        ceilings are measured in the same run. Baselines: cuBLAS, cuDNN, or the unfused composition of our own operators.
        """;

    public static Command Create(Terminal terminal)
    {
        var arguments = new LabArguments();
        Option<string?> csv = Options.OutputFile("--csv", "FILE", "Also writes the table as CSV.");
        Option<string?> json = Options.OutputFile("--json", "FILE", "Also writes the result as JSON, with machine, commit and command.");
        var command = new Command("bench", "Times the usual variant of operators, or all variants of one --op, on this machine.") { csv,
            json };
        arguments.AddTo(command);
        command.Add(arguments.Milliseconds);
        command.Add(arguments.Projected);
        command.SetAction(result => Run(terminal, arguments, result, result.GetValue(csv), result.GetValue(json),
            allVariants: result.GetValue(arguments.Op) is not null || result.GetValue(arguments.Variant) is not null));
        HelpWithExamples.SetNotes(command, Notes + """

            Examples:
              csunet lab bench --device cpu
              csunet lab bench --op layer_norm --dtype bf16 --device cuda --json layer_norm.json
              csunet lab bench --op linear --shape "8192x1024->4096"
            """);
        return command;
    }

    public static Command CreateCompare(Terminal terminal)
    {
        var arguments = new LabArguments();
        var command = new Command("compare", "Times all variants of operators next to each other and to their baselines.");
        arguments.AddTo(command);
        command.Add(arguments.Milliseconds);
        command.Add(arguments.Projected);
        command.SetAction(result => Run(terminal, arguments, result, null, null, allVariants: true));
        HelpWithExamples.SetNotes(command, Notes + """

            Examples:
              csunet lab compare --op window_attention
            """);
        return command;
    }

    private static int Run(Terminal terminal, LabArguments arguments, ParseResult result, string? csv, string? json, bool allVariants)
    {
        IReadOnlyList<LabCase> cases = arguments.Cases(result);
        (DeviceSelection selection, DType type) = arguments.Open(result);
        using PrecisionScope precision = arguments.PrecisionOf(result).Use(selection.Device);
        LabArguments.RequireClock(selection);
        ProjectedTimes? projected = ProjectedTimes.Of(result.GetValue(arguments.Projected), selection);
        using var interrupt = new Interrupt(terminal);
        LabRun run = LabRun.Measure(terminal, arguments, result, selection, type, cases, allVariants, projected, interrupt.Token);
        if (csv is not null)
            OutputFiles.WriteText(csv, LabTable.ToCsv(run));
        if (json is not null)
            OutputFiles.WriteText(json, LabTable.ToJson(run, CommandHelpers.CommandLineOf(result)));
        return run.Failures.Count == 0 ? ExitCode.Success : ExitCode.Failure;
    }
}
