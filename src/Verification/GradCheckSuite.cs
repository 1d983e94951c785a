using System.Diagnostics;
using CsUnet.Autograd;
using CsUnet.Cuda;
using CsUnet.Kernels;
using CsUnet.Tensors;

namespace CsUnet.Verification;

/// <summary>
/// Gradient checks of every operator, on the shapes of its cases and on random ones, of the network's modules, and of whole networks in
/// training and evaluation.
/// </summary>
public static class GradCheckSuite
{
    private const uint SearchSeed = 1;

    private sealed record Found(
        IReadOnlyList<GradCheckLine> Lines, string Kinks, OperatorCase? Smallest = null, string? Failure = null,
        bool HasDeviceFailed = false);

    private sealed record Check(string Name, GradCheckKind Kind, string Type, bool OnlyInAll, Func<bool, Found> Run);

    private static readonly Check[] s_numeric =
    [
        .. OperatorCases.All.Where(item => item.Inputs.Any(input => input is { NeedsGradient: true }))
            .Select(item => new Check(item.Name, GradCheckKind.Operator, "float64", OnlyInAll: false, all =>
                RunOperator(item, entries: all ? 200 : 40))),
        .. ModuleCases.Modules.Select(item =>
            new Check(item.Name, GradCheckKind.Module, "float64", OnlyInAll: true, _ =>
                RunModule(item.Create(DType.Float64, Device.Cpu), entries: 12, groups: null))),
        .. ModuleCases.Networks.Select(item =>
            new Check(item.Name, GradCheckKind.Network, "float64", OnlyInAll: false, all =>
            {
                DifferentiableCase network = item.Create(DType.Float64, Precision.Fp32, Device.Cpu);
                return all
                    ? RunModule(network, entries: 3, groups: null)
                    : RunModule(network, entries: 4, [.. network.Names.Select(Group)]);
            })),
        .. ShapeFamilies.All.Select(family =>
            new Check(family.Name, GradCheckKind.Shapes, "both", OnlyInAll: false, all =>
                RunShapes(family, all ? 50 : 5, CheckOnProcessor))),
    ];

    /// <summary>The names of all checks on the CPU, in the order in which they run.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. s_numeric.Select(check => check.Name)];

    /// <summary>The names of all checks on a device.</summary>
    public static IReadOnlyList<string> NamesOn(Device device) => [.. ChecksOn(device).Select(check => check.Name).Distinct()];

    /// <summary>Runs checks.</summary>
    /// <param name="selection">The checks and their device.</param>
    /// <param name="report">Receives each result as it comes.</param>
    /// <returns>Whether all passed.</returns>
    /// <exception cref="InvalidValueException">No check has such a name, or the preset does not exist.</exception>
    public static bool Run(GradCheckSelection selection, Action<GradCheckReport> report)
    {
        bool isSelected = !string.IsNullOrEmpty(selection.Pattern), passed = true;
        IReadOnlyList<Check> checks = selection.Model is { } model ? ChecksOfModel(model, selection.Device) : ChecksOn(selection.Device);
        Check[] chosen = isSelected
            ? [.. new NamePattern(selection.Pattern).Choose(checks, check => check.Name)]
            : [.. checks.Where(check => selection.Model is not null || selection.All || !check.OnlyInAll)];
        if (chosen.Length == 0)
            throw new InvalidValueException(nameof(selection), $"no gradient check has '{selection.Pattern}' in its name",
                $"a part of {string.Join(", ", checks.Select(check => check.Name.Split(' ')[0]).Distinct())}");
        for (int i = 0; i < chosen.Length; i++)
        {
            GradCheckReport result = Run(chosen[i], selection.All);
            report(result);
            passed &= result.Passed;
            if (result.HasDeviceFailed && i + 1 < chosen.Length)
            {
                string left = $"not run, since the device failed: {string.Join(", ", chosen[(i + 1)..].Select(check => check.Name))}";
                report(new GradCheckReport($"{chosen.Length - i - 1} checks", result.Kind, result.Type, [], "", left, null, TimeSpan.Zero));
                break;
            }
        }
        return passed;
    }

    /// <summary>Runs one check on the CPU by its full name.</summary>
    /// <exception cref="InvalidValueException">No check has this name.</exception>
    public static GradCheckReport RunOne(string name, bool all) => Run(
        s_numeric.FirstOrDefault(check => check.Name == name)
            ?? throw new InvalidValueException(nameof(name), $"there is no gradient check '{name}'"), all);

    /// <summary>Checks one case on the CPU as the suite does, in double. The case need not belong to the suite.</summary>
    public static GradCheckReport RunOne(OperatorCase item, bool all = true) => Run(
        new Check(item.Name, GradCheckKind.Operator, "float64", false, more => RunOperator(item, more ? 200 : 40)), all);

    /// <summary>Checks one case's kernels on a CUDA device as the suite does. The case need not belong to the suite.</summary>
    public static GradCheckReport RunOne(OperatorCase item, Precision precision, Device device) =>
        Run(KernelCheckOf(item, precision, device), all: true);

    /// <summary>Checks a network on a CUDA device as the suite does. The network need not belong to the suite.</summary>
    public static GradCheckReport RunOne(string name, NetworkFactory create, Precision precision, Device device) =>
        Run(NetworkCheckOf(name, create, precision, device), all: false);

    private static GradCheckReport Run(Check check, bool all)
    {
        long start = Stopwatch.GetTimestamp();
        Found? found = null;
        string? failure;
        bool hasDeviceFailed = false;
        try
        {
            found = check.Run(all);
            hasDeviceFailed = found.HasDeviceFailed;
            failure = found.Failure
                ?? (found.Lines.FirstOrDefault(line => !line.Passed) is { } line ? $"{line.Argument}: {line.Failure}" : null);
        }
        catch (Exception refusal) when (refusal is NonDifferentiablePointException || refusal is ShapeException
            && check.Type == Precision.Bf16.Label())
        {
            // An operator without bfloat16 kernels reports a refusal, and so does a case on a kink. Show it, and count it separately.
            return new GradCheckReport(check.Name, check.Kind, check.Type, [], "", null, null, Stopwatch.GetElapsedTime(start),
                Refusal: refusal.Message);
        }
        catch (Exception error)
        {
            // One broken operator must not hide the results of the others: report it as a failure.
            failure = $"{error.GetType().Name}: {error.Message}";
            hasDeviceFailed = error is CudaException;
        }
        return new GradCheckReport(check.Name, check.Kind, check.Type, found?.Lines ?? [], found?.Kinks ?? "", failure,
            found?.Smallest is { } smallest ? CaseCode.Of(smallest) : null, Stopwatch.GetElapsedTime(start), hasDeviceFailed);
    }

    private static IReadOnlyList<Check> ChecksOn(Device device) => device.Kind == DeviceKind.Cpu ? s_numeric :
    [
        .. OnDevice(Precision.Fp32, device), .. OnDevice(Precision.Tf32, device), .. OnDevice(Precision.Bf16, device),
        .. ModuleCases.Modules.Select(item => new Check(item.Name, GradCheckKind.Module, "float32", OnlyInAll: true,
            _ => new Found(NetworkCheck.Run(item.Create, device), ""))),
        .. ModuleCases.Networks.SelectMany(item => NetworkChecks(item.Name, item.Create, device)),
    ];

    /// <summary>Every case whose result depends on the precision, and random shapes.</summary>
    private static IEnumerable<Check> OnDevice(Precision precision, Device device) =>
    [
        .. OperatorCases.All.Where(item => IsMeant(item, precision)).Select(item => KernelCheckOf(item, precision, device)),
        // In low precision only few shapes of a chain keep all values between its layers away from the kink: use its cases.
        .. ShapeFamilies.All.Where(family => OperatorCases.All.Any(item => item.Op.Name == family.Op && IsMeant(item, precision)
            && (precision == Precision.Fp32 || item.Op is not ConvBatchNormChain)))
            .Select(family => new Check(family.Name, GradCheckKind.Shapes, precision.Label(), OnlyInAll: false,
                all =>
                {
                    // An operator without this precision throws here, before its refusals look like failing shapes.
                    OperatorCases.All.First(item => item.Op.Name == family.Op).RunWithGradients(precision, device);
                    return RunShapes(family, all ? 12 : 3, item => RunKernels(item, precision, device).Lines);
                })),
    ];

    // A device has no float64 to convert to. tf32 concerns only matrix products. An operator itself says whether it supports bfloat16.
    private static bool IsMeant(OperatorCase item, Precision precision) => item.Op is not Cast
        && (precision != Precision.Tf32 || item.MultipliesMatrices);

    private static Check KernelCheckOf(OperatorCase item, Precision precision, Device device) => new(
        item.Name, GradCheckKind.Kernel, precision.Label(), OnlyInAll: false, _ => RunKernels(item, precision, device));

    private static IReadOnlyList<Check> ChecksOfModel(string preset, Device device)
    {
        NetworkFactory create = (type, precision, where) => ModuleCases.Preset(preset, type, precision, where);
        if (device.Kind == DeviceKind.Cuda)
            return [.. Enum.GetValues<Precision>().Select(precision => NetworkCheckOf(preset, create, precision, device))];
        return [new(preset, GradCheckKind.Network, "float64", OnlyInAll: false, all =>
        {
            DifferentiableCase item = create(DType.Float64, Precision.Fp32, Device.Cpu);
            return RunModule(item, entries: all ? 12 : 4, groups: [.. item.Names.Select(Group)]);
        })];
    }

    // Low precision switches more rectifiers than float32.
    private static IEnumerable<Check> NetworkChecks(string name, NetworkFactory create, Device device) =>
    [
        new(name, GradCheckKind.Network, "float32", OnlyInAll: false,
            _ => new Found(NetworkCheck.Run((type, where) => create(type, Precision.Fp32, where), device), "")),
        .. new[] { Precision.Tf32, Precision.Bf16 }.Select(precision => NetworkCheckOf(
            name, (type, arithmetic, where) => ModuleCases.WithSteadyNorms(create(type, arithmetic, where)), precision, device)),
    ];

    private static Check NetworkCheckOf(string name, NetworkFactory create, Precision precision, Device device) => new(
        name, GradCheckKind.Network, precision == Precision.Fp32 ? "float32" : precision.Label(), OnlyInAll: false,
        _ => new Found(NetworkCheck.Run(create, precision, device),
            "lengths of errors, against the reference arithmetic's; batch norms keep rectifiers from switching"));

    /// <summary>The part of the network with a parameter: large networks are reported by parts.</summary>
    private static string Group(string name)
    {
        string[] path = name.Split('.');
        return string.Join('.', path.Take(path.Length > 3 ? 3 : Math.Max(1, path.Length - 1)));
    }

    private static Found RunOperator(OperatorCase item, int entries, GradientVerdict allowed = GradientVerdict.Agrees)
    {
        (OperatorCase drawn, string kinks) = NonDifferentiablePoints.Avoid(item);
        GradientCheckResult result = GradientCheck.Run(drawn.Op, drawn.CreateInputs(DType.Float64), OperatorOptions(entries));
        return new Found([.. result.Arguments.Select(argument => GradCheckLine.Of(argument, allowed))], kinks);
    }

    private static Found RunKernels(OperatorCase item, Precision precision, Device device)
    {
        (OperatorCase drawn, string kinks) = NonDifferentiablePoints.Avoid(item, precision);
        return new Found(new KernelCheck(drawn, precision, device).Run(), kinks);
    }

    private static GradientCheckOptions OperatorOptions(int entries) =>
        new() { Tolerance = Tolerances.GradientOfOperator, MaxEntries = entries };

    // Thousands of rectifiers: begin with a small step, which rarely crosses a kink.
    private static Found RunModule(DifferentiableCase item, int entries, IReadOnlyList<string>? groups) => new(
        [.. GradientCheck.Run(item.Function, item.Arguments, new GradientCheckOptions
        {
            Tolerance = Tolerances.GradientOfNetwork, MaxEntries = entries, Step = 1.0 / (1 << 17), Names = item.Names, Groups = groups,
        }).Arguments.Select(GradCheckLine.Of)],
        "rectifiers inside: the step starts at 2^-17 and shrinks where one switches");

    private static Found RunShapes(ShapeFamily family, int shapes, Func<OperatorCase, IReadOnlyList<GradCheckLine>> check)
    {
        ShapeSearch.Result result = ShapeSearch.Run(family, shapes, SearchSeed, check);
        if (result.Smallest is { } smallest)
            return new Found([], "", smallest, $"{smallest.Name}: {result.Failure}", result.HasDeviceFailed);
        if (result.Failure is not null)
            return new Found([], "", Failure: result.Failure);
        GradCheckLine worst = result.Worst!;
        return new Found(
            [new GradCheckLine($"{result.Shapes} shapes", worst.Check, worst.Error, worst.Share, result.Shapes, result.Undecided,
                result.ShortSteps,
                $"{worst.Argument} {worst.Where} of {result.WorstShape}", null)], "");
    }

    /// <summary>A random shape on the CPU: float32 against double, and double against central differences.</summary>
    private static IReadOnlyList<GradCheckLine> CheckOnProcessor(OperatorCase item) =>
    [
        .. RunKernels(item, Precision.Fp32, Device.Cpu).Lines,
        .. item.Inputs.Any(input => input is { NeedsGradient: true }) ? RunOperator(item, entries: 6, GradientVerdict.Undecided).Lines : [],
    ];
}
