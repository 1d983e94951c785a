using System.CommandLine;
using CsUnet.Kernels;
using CsUnet.Lab;
using CsUnet.Models.Networks;
using CsUnet.Tensors;
using CsUnet.Verification;

namespace CsUnet.Cli.Commands.Lab;

/// <summary><c>csunet lab tune</c>: searches launch parameters, and stores the fastest choice for the engine.</summary>
internal static class LabTuneCommand
{
    public static Command Create(Terminal terminal)
    {
        var arguments = new LabArguments();
        Option<string?> model = Options.Choice(
            "--model", "NAME", "The operator calls of this network's training step, instead of the usual shapes.",
            [.. SegmentationModels.Names]);
        Option<(int Height, int Width)?> size = Options.Size("With --model: side of the input in pixels, or HxW. Default: 224.");
        Option<int?> batch = Options.Integer("--batch", "N", "With --model: images per step. Default: 2.", 1, 4096);
        Option<int?> classes = Options.Integer("--classes", "N", "With --model: number of classes. Default: 3.", 2, 255);
        var command = new Command("tune",
            "Searches variants and launch parameters, and stores the fastest for this device, shape and type.")
        {
            model, size, batch, classes,
        };
        arguments.AddTo(command);
        command.Add(arguments.Milliseconds);
        command.SetAction(result =>
        {
            if (result.GetValue(model) is not { } name)
            {
                Option? alone = new Option[] { size, batch, classes }.FirstOrDefault(option =>
                    result.GetResult(option) is { Implicit: false });
                if (alone is not null)
                {
                    throw new UsageException(
                        "needs --model; without it the operators' usual shapes are searched, or one --shape", place: alone.Name);
                }
                return Run(terminal, arguments, result);
            }
            (int height, int width) = result.TryGet(size, out (int Height, int Width) given) ? given : (224, 224);
            return RunModel(terminal, arguments, result, name, height, width, result.GetValue(classes) ?? 3, result.GetValue(batch) ?? 2);
        });
        HelpWithExamples.SetNotes(command, """
            Every choice is checked before it is timed; forward and backward count together. The engine uses a stored choice for
            calls of the same operator, settings, shapes and type on the same device. With --model a training step is run, and
            each of its calls is searched at its own shapes: a training of that network at that size and batch then uses what
            was found. The file is named at the end; deleting it undoes all tuning. CSUNET_TUNING names another folder.

            Examples:
              csunet lab tune --op window_attention
              csunet lab tune --op linear --shape "6272x96->384" --dtype bf16 --device cuda
              csunet lab tune --model cs-unet-tiny --size 512 --batch 16 --dtype bf16 --device cuda
            """);
        return command;
    }

    private static int Run(Terminal terminal, LabArguments arguments, ParseResult result)
    {
        IReadOnlyList<LabCase> cases = arguments.Cases(result);
        (DeviceSelection selection, DType type) = arguments.Open(result);
        using PrecisionScope precision = arguments.PrecisionOf(result).Use(selection.Device);
        LabArguments.RequireClock(selection);
        LabArguments.RequireVariant(result.GetValue(arguments.Variant), cases.Select(item => item.Case.Op), selection.Device);
        var bench = new Bench(selection.Device, type, arguments.Seconds(result));
        using var interrupt = new Interrupt(terminal);
        var tuner = new KernelTuner(selection.Device, type, result.GetValue(arguments.Variant), terminal.WriteLines);
        foreach (LabCase item in cases)
            tuner.Tune($"{item}", item.Case,
                choice => Enum.GetValues<Pass>().Sum(pass => bench.Measure(item, pass, choice, interrupt.Token).Times.Median),
                bench.IsRefusal);
        return Finish(terminal, tuner, selection);
    }

    private static int RunModel(
        Terminal terminal, LabArguments arguments, ParseResult result, string name, int height, int width, int classes, int batch)
    {
        if (result.GetValue(arguments.Shape) is { } shape)
            throw new UsageException("the shapes are those of the network's step", place: $"--shape {shape}",
                remedy: "give --model or --shape");
        ModelOptions options = SegmentationModels.Preset(name, height, width, classes);
        (DeviceSelection selection, DType type) = arguments.Open(result);
        LabArguments.RequireClock(selection);
        if (type == DType.Float64)
            throw new UsageException("a training computes in float32, tf32 or bf16", place: "--dtype float64");
        Precision precision = LabArguments.PrecisionOf(result.GetValue(arguments.Type));
        CommandHelpers.RequireMemory(options, name, batch, selection, precision);
        string? pattern = result.GetValue(arguments.Op);
        using PrecisionScope products = precision.Use(selection.Device);
        IReadOnlyList<StepCall> calls = StepCall.Record(() => StepBenchmark.RunOnce(options, batch, selection.Device, precision),
            selection.Device);
        IReadOnlyList<StepCall> chosen = new NamePattern(pattern).Choose(calls, call => call.Case.Op.Name);
        if (chosen.Count == 0)
        {
            throw UsageException.Unknown($"a step of {name} calls no such operator that has variants", pattern!,
                [.. calls.Select(call => call.Case.Op.Name).Distinct()], $"--op {pattern}");
        }
        LabArguments.RequireVariant(result.GetValue(arguments.Variant), chosen.Select(call => call.Case.Op), selection.Device);
        using var interrupt = new Interrupt(terminal);
        var tuner = new KernelTuner(selection.Device, type, result.GetValue(arguments.Variant), terminal.WriteLines);
        double seconds = arguments.Seconds(result);
        foreach (StepCall call in chosen)
            tuner.Tune(call, (item, choice) =>
            {
                using KernelChoices.Forced forced = KernelChoices.Force(choice);
                return Enum.GetValues<Pass>()
                    .Where(pass => pass == Pass.Forward || item.Inputs.Any(input => input is { NeedsGradient: true }))
                    .Sum(pass => Timing.Measure(item, null, pass, type, selection.Device, seconds, interrupt.Token).Median);
            });
        return Finish(terminal, tuner, selection);
    }

    private static int Finish(Terminal terminal, KernelTuner tuner, DeviceSelection selection)
    {
        if (tuner.Stored > 0)
            terminal.WriteLine($"choices: {KernelChoices.PathOf(selection.Device)}");
        return tuner.Failed == 0 ? ExitCode.Success : ExitCode.Failure;
    }
}
