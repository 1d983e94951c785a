using System.CommandLine;
using System.Globalization;
using CsUnet.Cuda;
using CsUnet.Kernels;
using CsUnet.Lab;
using CsUnet.Tensors;
using CsUnet.Verification;

namespace CsUnet.Cli.Commands.Lab;

/// <summary><c>csunet lab check</c>: compares every variant with the double-precision reference.</summary>
internal static class LabCheckCommand
{
    public static Command Create(Terminal terminal)
    {
        var arguments = new LabArguments();
        var command = new Command("check", "Compares every variant, forward and backward, with the double reference.");
        arguments.AddTo(command);
        command.SetAction(result => Run(terminal, arguments, result));
        HelpWithExamples.SetNotes(command, """
            Runs the small cases of each operator, or one --shape. On cuda:emulated every memory access is watched as well: races,
            reads of unwritten memory and accesses outside are failures. Exit code 1 if something fails.

            Examples:
              csunet lab check --op layer_norm --device cuda:emulated
              csunet lab check --op linear --shape "100x96->384" --device cpu
            """);
        return command;
    }

    private static int Run(Terminal terminal, LabArguments arguments, ParseResult result)
    {
        IReadOnlyList<LabCase> cases = arguments.Cases(result);
        (DeviceSelection selection, DType type) = arguments.Open(result);
        using PrecisionScope precision = arguments.PrecisionOf(result).Use(selection.Device);
        bool emulated = selection.Device.Kind == DeviceKind.Cuda && CudaLibraries.IsEmulated;
        if (emulated)
            CudaEmulator.SetMode(CudaEmulatorMode.Hook);
        var bench = new Bench(selection.Device, type);
        if (result.GetValue(arguments.Shape) is null)
            cases = SmallCases(cases);
        IReadOnlyList<(LabCase Case, KernelChoice Choice)> choices = arguments.Choices(result, cases, bench);
        int passed = 0, failed = 0, notTaken = 0;
        using var interrupt = new Interrupt(terminal);
        terminal.WriteLine(
            $"{selection.Description}, {bench.TypeName}; share: of the tolerance, the worst element of output and gradients");
        foreach ((LabCase item, KernelChoice choice) in choices)
        {
            interrupt.Token.ThrowIfCancellationRequested();
            string? problem = null;
            double share = 0;
            try
            {
                if (emulated)
                    CudaEmulator.ClearReport();
                share = bench.Check(item.Case, choice);
                if (emulated && CudaEmulator.FindingCount > 0)
                    problem = CudaEmulator.GetReport().TrimEnd();
            }
            catch (Exception failure) when (bench.IsRefusal(failure))
            {
                notTaken++;
                terminal.WriteLine($"-      {item.Op,-22} {choice,-20} {item.Case.Label,-44} {failure.Message}");
                continue;
            }
            catch (CheckFailedException failure)
            {
                problem = failure.Message;
            }
            passed += problem is null ? 1 : 0;
            failed += problem is null ? 0 : 1;
            terminal.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{(problem is null ? "ok    " : "FAILED")} {item.Op,-22} {choice,-20} {item.Case.Label,-44} share {share:F3}"));
            if (problem is not null)
                terminal.WriteLines($"       {problem}");
        }
        terminal.WriteLine($"{passed} passed, {failed} failed{(notTaken > 0 ? $", {notTaken} not taken by their variant" : "")}");
        return failed == 0 ? ExitCode.Success : ExitCode.Failure;
    }

    /// <summary>The cases of the tests for the same operators: odd sizes, borders, batches of one.</summary>
    private static IReadOnlyList<LabCase> SmallCases(IReadOnlyList<LabCase> cases) =>
    [
        .. cases.DistinctBy(item => item.Op).SelectMany(item => OperatorCases.All.Where(small => LabCases.NameOf(small) == item.Op)
            .Select(small => item with { Shape = small.Label, Case = small })),
    ];
}
