using System.CommandLine;
using System.Globalization;
using CsUnet.Cli.Display;
using CsUnet.Cuda;
using CsUnet.Lab;
using CsUnet.Models.Networks;
using CsUnet.Tensors;
using CsUnet.Training;

namespace CsUnet.Cli.Commands;

/// <summary><c>csunet bench step</c>: times a training step, and reports its share of the CPU's peak arithmetic.</summary>
internal static class BenchCommand
{
    public static Command Create(Terminal terminal)
    {
        Option<string?> device = CommandHelpers.Device();
        Option<bool> noGraph = CommandHelpers.NoGraph();
        Option<string?> precision = CommandHelpers.Precision();
        Option<string?> model = Options.Choice("--model", "NAME", "Network. Default: cs-unet-tiny.", [.. SegmentationModels.Names]);
        Option<(int Height, int Width)?> size = Options.Size(
            "Side of the input in pixels, or HxW; multiples of 32. Default: 224.");
        Option<int?> batch = Options.Integer("--batch", "N", "Images per step. Default: 2.", 1, 4096);
        Option<int?> classes = Options.Integer("--classes", "N", "Number of classes. Default: 3.", 2, 255);
        Option<int?> repeats = Options.Integer("--repeats", "N", "Timed steps; the median counts. Default: 7.", 1, 10_000);
        Option<int?> threads = CommandHelpers.Threads();
        Option<string?> json = Options.OutputFile("--json", "FILE",
            "Also writes the result, with machine, commit and command, to this file.");
        Option<bool> layers = Options.Flag("--layers", "Shows every layer, not only the parts of the network.");
        var step = new Command("step", "Times training steps and inference on random images, and shows where the time goes.")
        {
            device, precision, noGraph, model, size, batch, classes, repeats, threads, layers, json,
        };
        step.SetAction(result =>
        {
            DeviceSelection selection = CommandHelpers.OpenDevice(result.GetValue(device));
            Precision arithmetic = CommandHelpers.PrecisionOf(result.GetValue(precision), selection) ?? Precision.Fp32;
            CommandHelpers.UseThreads(result.GetValue(threads));
            (int height, int width) = result.TryGet(size, out (int Height, int Width) given) ? given : (224, 224);
            string name = result.GetValue(model) ?? "cs-unet-tiny";
            ModelOptions options = SegmentationModels.Preset(name, height, width, result.GetValue(classes) ?? 3);
            int images = result.GetValue(batch) ?? 2;
            CommandHelpers.RequireMemory(options, name, images, selection, arithmetic);
            return Run(terminal, selection, CommandHelpers.Execution(selection, result.GetValue(noGraph)), arithmetic, name, options,
                images,
                result.GetValue(repeats) ?? 7, result.GetValue(layers), result.GetValue(json), CommandHelpers.CommandLineOf(result));
        });
        HelpWithExamples.SetNotes(step, """
            On the CPU the last line is fma_peak_share: FLOPs of the step (3 x 2 x the forward's multiply-adds of matrix
            products, convolutions and attention) per second, over the rate of independent fused multiply-adds of the widest
            vectors on all threads, which is measured between the steps. On a GPU a step is one of a training: inputs copied,
            launches replayed as a CUDA graph; the times of operators, layers and phases are those of a step without one, which
            waits for every operator. Data: crops of synthetic micrographs, augmented as in training.

            Examples:
              csunet bench step
              csunet bench step --model cs-unet-mini --size 128 --batch 8 --json result.json
              csunet bench step --device cuda --precision bf16 --batch 24
            """);
        var bench = new Command("bench", "Measures the engine's speed.") { step, BenchCompareCommand.Create(terminal) };
        return bench;
    }

    private static int Run(
        Terminal terminal, DeviceSelection device, ExecutionOptions execution, Precision precision, string name, ModelOptions options,
        int batch, int repeats, bool everyLayer, string? json, string command)
    {
        using var interrupt = new Interrupt(terminal);
        bool isCpu = device.Device.Kind == DeviceKind.Cpu;
        terminal.WriteLine($"{name} at {options.Height}x{options.Width}, batch {batch}, {precision.Label()}; "
            + (isCpu ? $"{Machine.Current.Describe()}, {Workers.Count} threads" : device.Description));
        if (!isCpu && CudaLibraries.IsEmulated)
            terminal.WriteLine("times are the emulator's and say nothing about a GPU; the number of launches is that of a GPU");
        using var benchmark = new StepBenchmark(options, batch, execution, precision);
        StepMeasurement m = benchmark.Run(repeats, interrupt.Token);
        TraceTable.Write(terminal, "operator", m.Traced.Operators, m.Traced.Total);
        TraceTable.Write(terminal, "layer", everyLayer ? m.Traced.Layers : TraceShare.ByPart(m.Traced.Layers), m.Traced.Total);
        double gflop = m.StepFlops / 1e9;
        terminal.WriteLine(Line("parameters", $"{m.Parameters:N0}"));
        string spread = FormattableString.Invariant(
            $"median of {repeats}, {m.Steps.Min().TotalSeconds:F4} to {m.Steps.Max().TotalSeconds:F4}");
        string update = FormattableString.Invariant($"optimiser {m.Traced.Update.TotalSeconds:F4} s");
        terminal.WriteLine(Line("training step",
            $"{m.Step.TotalSeconds:F4} s, {batch / m.Step.TotalSeconds:F2} images/s ({spread})"));
        terminal.WriteLine(Line("traced step",
            $"forward {m.Traced.Forward.TotalSeconds:F4} s, backward {m.Traced.Backward.TotalSeconds:F4} s, {update}"));
        if (!isCpu)
            terminal.WriteLine(Line("launches", $"{m.Traced.Launches} a step"));
        terminal.WriteLine(Line("data", $"{m.Data.TotalSeconds:F4} s a batch on a thread of its own, while a step runs"));
        terminal.WriteLine(Line("inference", $"{m.Inference.TotalSeconds:F4} s, {batch / m.Inference.TotalSeconds:F2} images/s"));
        terminal.WriteLine(Line("arena", $"{m.ArenaBytes / 1e6:F0} MB"));
        terminal.WriteLine(Line("peak working set", $"{m.PeakWorkingSet / 1e6:F0} MB"));
        string limit = isCpu ? string.Create(CultureInfo.InvariantCulture, $" of {m.PeakGflops:F1} GFLOP/s") : "";
        terminal.WriteLine(Line("arithmetic", $"{gflop:F1} GFLOP a step, {gflop / m.Step.TotalSeconds:F1} GFLOP/s{limit}"));
        if (json is not null)
        {
            WriteJson(json, device, precision, name, options, batch, m, command);
            terminal.WriteLine(Line("written", $"{json}"));
        }
        if (isCpu)
            terminal.WriteLine(string.Create(CultureInfo.InvariantCulture, $"fma_peak_share: {m.FmaPeakShare:F2}"));
        return ExitCode.Success;
    }

    private static string Line(string name, FormattableString value) => $"{name + ":",-18}{FormattableString.Invariant(value)}";

    private static void WriteJson(
        string path, DeviceSelection device, Precision precision, string name, ModelOptions options, int batch, StepMeasurement m,
        string command)
    {
        bool isCpu = device.Device.Kind == DeviceKind.Cpu;
        Machine machine = Machine.Current;
        OutputFiles.WriteText(path, ProgramJson.Text(new JsonFiles.StepFile(
            "training step", ProgramJson.Now, command, Machine.ProgramVersion, Machine.Commit(),
            new JsonFiles.MachineEntry(machine.Processor, machine.Cores, machine.VectorBits, machine.System, machine.Runtime),
            device.Description, precision.Label(), name, options.Height, options.Width, batch, Workers.Count, m.Parameters,
            m.Step.TotalSeconds, [.. m.Steps.Select(time => time.TotalSeconds)], m.Inference.TotalSeconds, m.Traced.Forward.TotalSeconds,
            m.Traced.Backward.TotalSeconds, m.Traced.Update.TotalSeconds, m.Data.TotalSeconds, m.Traced.Launches, m.ArenaBytes,
            m.PeakWorkingSet, m.MultiplyAdds, isCpu ? m.PeakGflops : null, isCpu ? m.FmaPeakShare : null, EntriesOf(m.Traced.Operators),
            EntriesOf(m.Traced.Layers)), ProgramJson.Readable.StepFile));
    }

    private static IReadOnlyList<JsonFiles.ShareEntry> EntriesOf(IReadOnlyList<TraceShare> shares) =>
        [.. shares.Select(share => new JsonFiles.ShareEntry(
        share.Name, share.Calls, share.Forward.TotalSeconds, share.Backward.TotalSeconds, share.MultiplyAdds, share.Launches))];
}
