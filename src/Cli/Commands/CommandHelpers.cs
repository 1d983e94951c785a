using System.CommandLine;
using CsUnet.Models.Networks;
using CsUnet.Tensors;
using CsUnet.Training;

namespace CsUnet.Cli.Commands;

/// <summary>Options and checks that several commands share.</summary>
internal static class CommandHelpers
{
    public static Option<string?> Device() => Options.Text(
        "--device", "NAME",
        "Where to compute: auto, cpu, cuda, cuda:N, or cuda:emulated (CUDA kernels on the CPU, slowly). Default: auto.");

    public static Option<string?> Precision(string standard = "fp32") => Options.Choice(
        "--precision", string.Join('|', Precisions.Labels),
        $"Arithmetic of the network; tf32 and bf16 need a CUDA device. Default: {standard}.", [.. Precisions.Labels]);

    /// <summary>The precision option of commands that work with a run.</summary>
    public static Option<string?> PrecisionOfRun() => Precision("that of the run's training, or fp32 on the CPU");

    public static Option<bool> NoGraph() => Options.Flag(
        "--no-graph", "Launches the kernels of a step on a GPU one by one, instead of capturing a step once and replaying it as a CUDA "
            + "graph. Same result, slower.");

    public static Option<int?> LogEvery() => Options.Integer(
        "--log-every", "N", "Steps between two reads of the losses from a GPU, each of which waits for it; metrics.csv still gets every "
            + "step. Default: 10; 1 with cuda:emulated.", 1, 10_000);

    /// <summary>How to compute on a device.</summary>
    public static ExecutionOptions Execution(DeviceSelection device, bool noGraph = false, int? logEvery = null) => new()
    {
        Device = device.Device, UsesGraph = !noGraph, StepsPerRead = logEvery ?? (Cuda.CudaLibraries.IsEmulated ? 1 : 10),
    };

    /// <summary>
    /// The option that selects operators. Both spellings of a name are the same (<see cref="Verification.NamePattern"/>).
    /// </summary>
    public static Option<string?> Op(string plural = "operators") => Options.Text("--op", "PATTERN",
        $"The operator of this name, or all {plural} whose names contain this text; * matches anything, and LayerNorm and layer_norm are "
            + $"the same. Default: all.");

    public static Option<int?> Threads() => Options.Integer(
        "--threads", "N", "Threads, at most four per logical core; results do not depend on it. Default: one per logical core.", 1, 1024);

    public static Option<string?> Run() => Options.Text("--run", "DIR", "Run folder. Default: the newest one in runs/.");

    public static Option<string?> Checkpoint() => Options.Choice(
        "--checkpoint", "last|best", "The run's last weights, or those with the best IoU on validation. Default: last.", "last", "best");

    /// <summary>The command line as the user typed it, for records.</summary>
    public static string CommandLineOf(ParseResult result) =>
        $"csunet {string.Join(' ', result.Tokens.Select(token => NextSteps.Quote(token.Value)))}";

    /// <summary>Opens the device named by an option.</summary>
    /// <exception cref="UsageException">No device has this name.</exception>
    public static DeviceSelection OpenDevice(string? name)
    {
        try
        {
            DeviceSelection selection = DeviceSelection.Open(name ?? "auto");
            return selection.IsFallback
                ? selection with { Description = "cpu (no GPU can be used; 'csunet devices' says why)" }
                : selection;
        }
        catch (InvalidValueException failure)
        {
            throw new UsageException(failure.Problem, failure.Expected, place: "--device",
                remedy: NearestName.Hint(name ?? "", ["auto", "cpu", "cuda", DeviceSelection.Emulated]), inner: failure);
        }
    }

    /// <summary>The precision named by an option; null if none was given.</summary>
    /// <exception cref="UsageException">The device does not support it.</exception>
    public static Precision? PrecisionOf(string? label, DeviceSelection device)
    {
        if (label is null)
            return null;
        Precision precision = Precisions.Find(label)!.Value;
        RequirePrecision(precision, device);
        return precision;
    }

    /// <summary>Refuses a precision that the device does not support.</summary>
    /// <exception cref="UsageException">The precision is tf32 or bf16, and the device is the CPU.</exception>
    public static void RequirePrecision(Precision precision, DeviceSelection device)
    {
        if (!precision.RunsOn(device.Device))
        {
            throw new UsageException("the CPU computes in fp32 only", place: $"--precision {precision.Label()}",
                remedy: $"use --precision fp32, or a CUDA device (--device cuda, or {DeviceSelection.Emulated})");
        }
    }

    /// <summary>Refuses a training step that does not fit into this machine's memory.</summary>
    /// <exception cref="UsageException">It does not fit.</exception>
    public static void RequireMemory(ModelOptions options, string model, int batch, DeviceSelection device, Precision precision)
    {
        try
        {
            MemoryNeed.RequireTraining(options, new TrainingOptions { Batch = batch, Precision = precision }, device.Device);
        }
        catch (ArgumentException failure)
        {
            throw UsageException.From(failure, $"--model {model}, --size {options.Height}x{options.Width}, --batch {batch}");
        }
    }

    /// <summary>Describes a device and a precision for people.</summary>
    public static string Describe(DeviceSelection device, Precision precision) =>
        precision == Tensors.Precision.Fp32 ? device.Description : $"{device.Description}, {precision.Label()}";

    public static void UseThreads(int? threads)
    {
        if (threads is not { } count)
            return;
        RequireThreads(count);
        Workers.Count = count;
    }

    /// <summary>Refuses threads that would only take time from one another.</summary>
    /// <exception cref="UsageException">There are more than <see cref="Workers.Largest"/>.</exception>
    public static void RequireThreads(int count)
    {
        if (count > Workers.Largest)
        {
            throw new UsageException("they would only take time from one another",
                $"at most {Workers.Largest} on {ProblemText.Count(Environment.ProcessorCount, "logical core")}",
                $"--threads {count}");
        }
    }
}
