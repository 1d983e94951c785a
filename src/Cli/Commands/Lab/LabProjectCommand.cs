using System.CommandLine;
using System.Globalization;
using CsUnet.Cuda;
using CsUnet.Kernels;
using CsUnet.Lab;
using CsUnet.Models.Networks;
using CsUnet.Tensors;

namespace CsUnet.Cli.Commands.Lab;

/// <summary><c>csunet lab project</c>: projects a lower bound of kernel times on a GPU that this machine does not have.</summary>
internal static class LabProjectCommand
{
    /// <summary>The heading of every projection.</summary>
    public const string Heading = "projected, not measured";

    public static Command Create(Terminal terminal)
    {
        var arguments = new LabArguments();
        Option<string?> gpu = Options.Choice("--gpu", "NAME", "The GPU to project to. Default: h200.",
            [.. Gpu.All.Select(entry => entry.Name)]);
        Option<string?> model = Options.Choice("--model", "NAME", "A whole training step of this network, instead of operators.",
            [.. SegmentationModels.Names]);
        Option<(int Height, int Width)?> size = Options.Size("With --model: side of the input in pixels. Default: 224.");
        Option<int?> batch = Options.Integer("--batch", "N", "With --model: images per step. Default: 16.", 1, 4096);
        Option<string?> json = Options.OutputFile("--json", "FILE",
            "Without --model: also writes the sums, which 'csunet lab bench --projected' shows beside its measurements.");
        var command = new Command("project", "Projects kernels to a GPU from what the emulator counts: the least time, and what limits it.")
        {
            gpu, model, size, batch, arguments.Op, arguments.Shape, arguments.Type, arguments.Variant, json,
        };
        command.SetAction(result =>
        {
            Gpu target = Gpu.Named(result.GetValue(gpu) ?? "h200");
            string type = result.GetValue(arguments.Type) ?? "float32";
            if (type == "float64")
                throw new UsageException("the CUDA kernels compute in float32, tf32 and bf16", place: "--dtype float64");
            // The launches choose their grid sizes from the current device.
            DeviceSelection.Open(DeviceSelection.Emulated);
            CudaEmulator.SetArchitecture(target.Architecture);
            CudaEmulator.SetMultiprocessors(target.Multiprocessors);
            var resources = new KernelResources(target.Architecture);
            using PrecisionScope precision = arguments.PrecisionOf(result).Use(Device.Cuda);
            DType element = type == "bf16" ? DType.BFloat16 : DType.Float32;
            if (result.GetValue(model) is { } name)
            {
                (int height, int width) = result.TryGet(size, out (int Height, int Width) given) ? given : (224, 224);
                return ProjectModel(terminal, target, resources, name, height, width, result.GetValue(batch) ?? 16, type);
            }
            return ProjectOperators(terminal, target, resources, arguments, result, element, type, result.GetValue(json));
        });
        HelpWithExamples.SetNotes(command, """
            The emulator executes a few blocks of every launch and counts sectors of global memory, wavefronts of shared
            memory and matrix instructions, scaled to the grid; a table of public figures says how fast a GPU can be. The time
            is the largest of what memory, load-store units, matrix units, arithmetic and the launch itself need: a lower
            bound. Registers and shared memory are those of the committed table. A network's step need not fit into this
            machine's memory.

            Examples:
              csunet lab project --op layer_norm --gpu h200
              csunet lab project --op linear --shape "50176x96->384" --dtype bf16 --gpu a100
              csunet lab project --model cs-unet-tiny --size 224 --batch 16 --dtype bf16
            """);
        return command;
    }

    private static int ProjectOperators(
        Terminal terminal, Gpu gpu, KernelResources resources, LabArguments arguments, ParseResult result, DType element, string type,
        string? json)
    {
        var bench = new Bench(Device.Cuda, element);
        IReadOnlyList<(LabCase Case, KernelChoice Choice)> choices = arguments.Choices(result, arguments.Cases(result), bench);
        using var interrupt = new Interrupt(terminal);
        WriteHeading(terminal, gpu, resources, type);
        terminal.WriteLine(
            $"{"kernel",-46} {"blocks",9} {"regs",4} {"smem",6} {"occ",4} {"time us",9} {"limited by",-10} {"of memory",9}  operator");
        var rows = new List<(string, IReadOnlyList<ProjectedLaunch>)>();
        foreach ((LabCase item, KernelChoice choice) in choices)
        {
            interrupt.Token.ThrowIfCancellationRequested();
            terminal.WriteLine($"{item}, variant {choice}");
            ProjectedLaunch[] launches;
            try
            {
                launches =
                    [.. ModelProjection.OfOperator(item.Case, element, choice).Select(launch => Projection.Of(launch, gpu, resources))];
            }
            catch (Exception failure) when (bench.IsRefusal(failure))
            {
                terminal.WriteLine($"  not taken: {failure.Message}");
                continue;
            }
            foreach (ProjectedLaunch launch in launches)
                terminal.WriteLine(Line(launch));
            terminal.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"  {"sum",-69} {launches.Sum(launch => launch.Seconds) * 1e6,9:F2}"));
            terminal.Out.Flush();
            foreach (IGrouping<bool, ProjectedLaunch> pass in launches.GroupBy(launch => launch.Counts.IsBackward))
                rows.Add((BenchRow.NameOf(item.Op, item.Shape, pass.Key ? Pass.Backward : Pass.Forward, choice.ToString(), type),
                    [.. pass]));
        }
        if (json is not null)
            OutputFiles.WriteText(json, ProjectedTimes.ToJson(gpu, rows, CommandHelpers.CommandLineOf(result)));
        return ExitCode.Success;
    }

    private static int ProjectModel(
        Terminal terminal, Gpu gpu, KernelResources resources, string name, int height, int width, int batch, string type)
    {
        ModelOptions options = SegmentationModels.Preset(name, height, width, 3);
        Precision precision = LabArguments.PrecisionOf(type);
        IReadOnlyList<CountedLaunch> counted = ModelProjection.OfStep(() => StepBenchmark.RunOnce(options, batch, Device.Cuda, precision));
        ProjectedLaunch[] launches = [.. counted.Select(launch => Projection.Of(launch, gpu, resources))];
        WriteHeading(terminal, gpu, resources, type);
        terminal.WriteLine($"counted: a step of {batch} images");
        double total = launches.Sum(launch => launch.Seconds);
        WriteShares("operator", launch => launch.Counts.Operator);
        terminal.WriteLine();
        WriteShares("kernel", launch => launch.Counts.Launch.Kernel);
        terminal.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{name} {height}x{width} batch {batch} {type} on {gpu.Title}: {launches.Length} launches, {total * 1e3:F2} ms a training step "
                + $"at the least, {batch / total:F0} images/s at the most ({Heading})"));
        terminal.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"of it memory traffic alone: {launches.Sum(launch => launch.MemorySeconds) * 1e3:F2} ms, "
                + $"{launches.Sum(launch => (double)launch.Counts.Launch.TensorBytes) / 1e9:F1} GB"));
        terminal.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"largest of memory and arithmetic per launch: "
                + $"{launches.Sum(launch => Math.Max(launch.MemorySeconds, launch.ArithmeticSeconds)) * 1e3:F2} ms, the bound of these "
                + $"launches without load-store and launch limits"));
        return ExitCode.Success;

        void WriteShares(string title, Func<ProjectedLaunch, string> of)
        {
            terminal.WriteLine($"{title,-44} {"launches",8} {"time us",10} {"share",6}  limited by");
            foreach (IGrouping<string, ProjectedLaunch> group in launches.GroupBy(of).OrderByDescending(Seconds))
            {
                string bounds = string.Join(", ", group.GroupBy(launch => launch.Bound).OrderByDescending(Seconds)
                    .Select(bound => $"{bound.Key.Label()} {Seconds(bound) / Seconds(group):P0}"));
                terminal.WriteLine(string.Create(CultureInfo.InvariantCulture,
                    $"{group.Key,-44} {group.Count(),8} {Seconds(group) * 1e6,10:F1} {Seconds(group) / total,6:P1}  {bounds}"));
            }
        }

        static double Seconds(IEnumerable<ProjectedLaunch> some) => some.Sum(launch => launch.Seconds);
    }

    private static void WriteHeading(Terminal terminal, Gpu gpu, KernelResources resources, string type)
    {
        terminal.WriteLine($"{Heading}: {gpu.Title}, {type}; registers and shared memory from {resources.Origin}");
        terminal.WriteLine($"figures: {gpu.Source}");
    }

    private static string Line(ProjectedLaunch launch) => string.Create(CultureInfo.InvariantCulture,
        $"  {launch.Counts.Launch.Kernel,-44} {launch.Counts.Launch.Blocks,9} "
            + $"{launch.Usage?.Registers.ToString(CultureInfo.InvariantCulture) ?? "?",4} "
            + $"{(launch.Usage?.SharedBytes ?? 0) + launch.Counts.Launch.DynamicShared,6} {launch.Occupancy,4:P0} "
            + $"{launch.Seconds * 1e6,9:F2} {launch.Bound.Label(),-10} {launch.MemorySeconds / launch.Seconds,9:P0}  "
            + $"{launch.Counts.Operator}");
}
