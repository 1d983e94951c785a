using System.CommandLine;
using System.Globalization;
using CsUnet.Kernels;
using CsUnet.Lab;
using CsUnet.Tensors;

namespace CsUnet.Cli.Commands.Lab;

/// <summary><c>csunet lab tune</c>: searches launch parameters and stores the fastest choice for the engine.</summary>
internal static class LabTuneCommand
{
    public static Command Create(Terminal terminal)
    {
        var arguments = new LabArguments();
        var command = new Command("tune", "Searches variants and launch parameters, and stores the fastest for this device, shape and type.");
        arguments.AddTo(command);
        command.Add(arguments.Milliseconds);
        command.SetAction(result => Run(terminal, arguments, result));
        HelpWithExamples.SetNotes(command, """
            Every choice is checked before it is timed; forward and backward count together. The engine uses a stored choice for
            calls of the same operator, settings, shapes and type on the same device. The file is named at the end; deleting it
            undoes all tuning. CSUNET_TUNING names another folder.

            Examples:
              csunet lab tune --op window_attention
              csunet lab tune --op linear --shape "6272x96->384" --dtype bf16 --device cuda
            """);
        return command;
    }

    private static int Run(Terminal terminal, LabArguments arguments, ParseResult result)
    {
        IReadOnlyList<LabCase> cases = arguments.Cases(result);
        (DeviceSelection selection, DType type) = arguments.Open(result);
        using PrecisionScope precision = arguments.PrecisionOf(result).Use(selection.Device);
        LabArguments.RequireClock(selection);
        var bench = new Bench(selection.Device, type, arguments.Seconds(result));
        using var interrupt = new Interrupt(terminal);
        int failed = 0, stored = 0;
        string? wanted = result.GetValue(arguments.Variant);
        foreach (LabCase item in cases)
        {
            KernelChoice[] space = [.. item.Case.Op.Variants(selection.Device.Kind).Where(variant => wanted is null || variant.Name == wanted).SelectMany(variant => variant.Space())];
            if (space.Length == 0)
            {
                terminal.WriteLine($"{item}: one way only on {selection.Device.Kind.ToString().ToLowerInvariant()}, nothing to search");
                continue;
            }
            (KernelChoice Choice, double Seconds)? best = null;
            foreach (KernelChoice choice in space)
            {
                try
                {
                    double seconds = Enum.GetValues<Pass>().Sum(pass => bench.Measure(item, pass, choice, interrupt.Token).Times.Median);
                    terminal.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{item}: {choice,-40} {seconds * 1e6,10:F1} us"));
                    if (best is null || seconds < best.Value.Seconds)
                        best = (choice, seconds);
                }
                catch (Exception failure) when (bench.IsRefusal(failure))
                {
                    terminal.WriteLine($"{item}: {failure.Message}");
                }
                catch (CheckFailedException failure)
                {
                    failed++;
                    terminal.WriteLine($"{item}: {choice}: not timed, its check failed: {failure.Message}");
                }
            }
            if (best is not { } fastest)
                continue;
            using var arena = new StepArena();
            using StepArena.StepScope step = arena.BeginStep();
            KernelChoices.Store(selection.Device, item.Case.Op, [.. item.Case.CreateInputs(type, selection.Device).Select(input => input?.Value)], fastest.Choice);
            stored++;
            terminal.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{item}: stored {fastest.Choice} ({fastest.Seconds * 1e6:F1} us)"));
        }
        if (stored > 0)
            terminal.WriteLine($"choices: {KernelChoices.PathOf(selection.Device)}");
        return failed == 0 ? ExitCode.Success : ExitCode.Failure;
    }
}
