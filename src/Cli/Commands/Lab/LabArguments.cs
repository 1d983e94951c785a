using System.CommandLine;
using CsUnet.Cuda;
using CsUnet.Kernels;
using CsUnet.Lab;
using CsUnet.Tensors;

namespace CsUnet.Cli.Commands.Lab;

/// <summary>Options that the lab's commands share.</summary>
internal sealed class LabArguments
{
    public Option<string?> Op { get; } = CommandHelpers.Op();

    public Option<string?> Variant { get; } = Options.Text("--variant", "NAME",
        "Only this variant; 'csunet lab list' names them. Default: all.");

    public Option<string?> Shape { get; } = Options.Text("--shape", "SHAPE",
        "One shape, as 'csunet lab list' shows them, instead of the usual ones; needs --op.");

    public Option<string?> Type { get; } = Options.Choice("--dtype", "TYPE", "float32, tf32, bf16 or float64. Default: float32.", "float32",
        "tf32", "bf16", "float64");

    public Option<string?> Device { get; } = CommandHelpers.Device();

    /// <summary>An option of the commands that measure.</summary>
    public Option<int?> Milliseconds { get; } = Options.Integer("--milliseconds", "N", "How long each row is timed. Default: 500.", 1,
        600_000);

    /// <summary>An option of the commands that show measurements.</summary>
    public Option<string?> Projected { get; } = Options.Text("--projected", "FILE",
        "The output of 'csunet lab project --json' for this GPU: shows the projected times beside the measured ones, and their error.");

    public Option<int?> Threads { get; } = CommandHelpers.Threads();

    public void AddTo(Command command)
    {
        foreach (Option option in new Option[] { Op, Variant, Shape, Type, Device, Threads })
            command.Add(option);
    }

    /// <summary>How long each row is timed.</summary>
    public double Seconds(ParseResult result) => result.GetValue(Milliseconds) is { } given ? given / 1e3 : Timing.UsualSeconds;

    /// <summary>The selected cases.</summary>
    /// <exception cref="UsageException">No case is selected.</exception>
    public IReadOnlyList<LabCase> Cases(ParseResult result)
    {
        string? op = result.GetValue(Op), shape = result.GetValue(Shape);
        IReadOnlyList<LabCase> cases = LabCases.Matching(op);
        if (cases.Count == 0)
        {
            throw UsageException.Unknown(
                "the lab has no such operator", op!, [.. LabCases.Operators.Select(entry => entry.Name)], $"--op {op}");
        }
        if (shape is null)
            return cases;
        string[] ops = [.. cases.Select(item => item.Op).Distinct()];
        if (ops.Length != 1)
            throw new UsageException("needs --op with one operator, because each operator has its own shapes", place: $"--shape {shape}");
        try
        {
            return [LabCases.Create(ops[0], shape)];
        }
        catch (InvalidValueException failure)
        {
            throw UsageException.From(failure, "--shape");
        }
    }

    /// <summary>The precision of the selected element type; use it while the command runs.</summary>
    public Precision PrecisionOf(ParseResult result) =>
        result.GetValue(Type) switch { "bf16" => Precision.Bf16, "tf32" => Precision.Tf32, _ => Precision.Fp32 };

    /// <summary>Opens the device, and returns it with the element type.</summary>
    /// <exception cref="UsageException">The device does not support the type.</exception>
    /// <param name="result">The call.</param>
    /// <param name="emulated">The GPU that the emulator imitates; null: none.</param>
    public (DeviceSelection Selection, DType Type) Open(ParseResult result, Gpu? emulated = null)
    {
        CommandHelpers.UseThreads(result.GetValue(Threads));
        DeviceSelection selection = CommandHelpers.OpenDevice(result.GetValue(Device));
        if (emulated is not null && CudaLibraries.IsEmulated)
        {
            CudaEmulator.SetArchitecture(emulated.Architecture);
            CudaEmulator.SetMultiprocessors(emulated.Multiprocessors);
        }
        string name = result.GetValue(Type) ?? "float32";
        bool cuda = selection.Device.Kind == DeviceKind.Cuda;
        if (cuda && name == "float64")
            throw new UsageException("the CUDA kernels compute in float32, tf32 and bf16", place: "--dtype float64",
                remedy: "use --device cpu");
        if (!cuda && name is "tf32" or "bf16")
        {
            throw new UsageException("only CUDA devices compute in it", place: $"--dtype {name}",
                remedy: "use --device cuda or cuda:emulated, or --dtype float32");
        }
        return (selection, name switch { "bf16" => DType.BFloat16, "float64" => DType.Float64, _ => DType.Float32 });
    }

    /// <summary>The precision of a network, as named by --dtype.</summary>
    public static Precision PrecisionOf(string? type) =>
        type switch { "bf16" => Precision.Bf16, "tf32" => Precision.Tf32, _ => Precision.Fp32 };

    /// <summary>The selected kernel choices of the cases.</summary>
    /// <exception cref="UsageException">No case has the named variant.</exception>
    public IReadOnlyList<(LabCase Case, KernelChoice Choice)> Choices(ParseResult result, IReadOnlyList<LabCase> cases, Bench bench)
    {
        (LabCase, KernelChoice Choice)[] all = [.. cases.SelectMany(item => bench.Choices(item.Case.Op).Select(choice => (item, choice)))];
        if (result.GetValue(Variant) is not { } wanted)
            return all;
        if (all.All(entry => entry.Choice.Variant != wanted))
            RequireVariant(wanted, cases.Select(item => item.Case.Op), bench.Device);
        return [.. all.Where(entry => entry.Choice.Variant == wanted)];
    }

    /// <summary>Refuses a variant that none of the operators has.</summary>
    /// <exception cref="UsageException">None has it; the message names those that there are.</exception>
    public static void RequireVariant(string? wanted, IEnumerable<Operator> operators, Device device)
    {
        string[] names = [.. operators.SelectMany(op => op.Variants(device.Kind)).Select(variant => variant.Name).Distinct()];
        if (wanted is null || names.Contains(wanted))
            return;
        string kind = device.Kind == DeviceKind.Cpu ? "the CPU" : "a CUDA device";
        throw names.Length == 0
            ? new UsageException($"these operators are computed in one way only on {kind}", place: $"--variant {wanted}",
                remedy: "leave --variant out")
            : UsageException.Unknown($"not known for these operators on {kind}", wanted, names, $"--variant {wanted}");
    }

    /// <summary>Refuses the emulator for commands that measure time.</summary>
    public static void RequireClock(DeviceSelection selection)
    {
        if (selection.Device.Kind == DeviceKind.Cuda && CudaLibraries.IsEmulated)
        {
            throw new UsageException("the emulator's time says nothing about a GPU", place: $"--device {DeviceSelection.Emulated}",
                remedy: "use 'csunet lab project', which counts and projects");
        }
    }
}
