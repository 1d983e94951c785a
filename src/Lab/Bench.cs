using CsUnet.Cuda;
using CsUnet.Kernels;
using CsUnet.Kernels.Cuda;
using CsUnet.Tensors;
using CsUnet.Verification;

namespace CsUnet.Lab;

/// <summary>Checks and times operators on a device.</summary>
/// <param name="device">The device.</param>
/// <param name="type">Element type of the inputs: float32, float64, or bfloat16 on a GPU.</param>
/// <param name="seconds">Measuring time per row.</param>
public sealed class Bench(Device device, DType type, double seconds = Timing.UsualSeconds)
{
    /// <summary>The device that it runs on.</summary>
    public Device Device => device;

    /// <summary>The choices of an operator on this device: one per variant, with the usual launch parameters.</summary>
    public IReadOnlyList<KernelChoice> Choices(Operator op) => op.Variants(device.Kind) is { Count: > 0 } variants
        ? [.. variants.Select(variant => new KernelChoice(variant.Name))]
        : [new KernelChoice("only")];

    /// <summary>Whether the variant does not support the shape or the operator the element type: losses support float32 only.</summary>
    public bool IsRefusal(Exception failure) => failure is VariantNotTakenException || failure is ShapeException && type == DType.BFloat16;

    /// <summary>Compares output and gradients with the CPU's double reference.</summary>
    /// <returns>The largest error of an element as a fraction of the tolerance.</returns>
    /// <exception cref="CheckFailedException">It exceeds the tolerance; the message says where.</exception>
    public double Check(OperatorCase item, KernelChoice choice)
    {
        double worst = 0;
        using var arena = new StepArena();
        using StepArena.StepScope step = arena.BeginStep();
        IReadOnlyList<(string Name, Tensor Value)> expected, got;
        using (KernelChoices.Force(Reference(item.Op, choice)))
            expected = item.RunWithGradients(DType.Float64);
        IReadOnlyList<(string Name, Tensor Value)>? plain = Precision == Precision.Fp32 ? null : item.RunReference(Precision);
        using (KernelChoices.Force(choice))
            got = item.RunWithGradients(type, device);
        for (int i = 0; i < expected.Count; i++)
        {
            (string name, Tensor reference) = expected[i];
            double tolerance = plain is not null
                ? Tolerances.Reduced(Precision, Comparison.Of(name, plain[i].Value, reference, 0).Error)
                : type == DType.Float64 ? Tolerances.GradientOfOperator : Tolerances.Float32(item.Exactness);
            Comparison comparison = Comparison.Of(name, got[i].Value.To(Device.Cpu), reference, tolerance);
            if (!comparison.IsWithin)
                throw new CheckFailedException($"{item} by {choice}: {comparison}");
            worst = Math.Max(worst, comparison.Error == 0 ? 0 : comparison.Error / comparison.Tolerance);
        }
        return worst;
    }

    /// <summary>
    /// The variant that computes the double reference: the usual one, which the tests compare with the plain loops. A choice in double on
    /// the CPU is compared with another variant, not with itself.
    /// </summary>
    private KernelChoice Reference(Operator op, KernelChoice choice)
    {
        IReadOnlyList<KernelVariant> variants = op.Variants(DeviceKind.Cpu);
        bool isOwn = device.Kind == DeviceKind.Cpu && type == DType.Float64;
        return new KernelChoice(variants.FirstOrDefault(variant => !isOwn || variant.Name != choice.Variant)?.Name ?? "only");
    }

    /// <summary>Times a pass and its baseline.</summary>
    /// <exception cref="CheckFailedException">The variant's result differs from the operator's.</exception>
    public BenchRow Measure(LabCase lab, Pass pass, KernelChoice choice, CancellationToken cancellation)
    {
        Check(lab.Case, choice);
        IReadOnlyList<LaunchTrace.Entry> launches;
        double flops;
        Shape output;
        using (KernelChoices.Force(choice))
        {
            (launches, flops, output) = Trace(lab.Case, pass);
            Times times = Timing.Measure(lab.Case, null, pass, type, device, seconds, cancellation);
            (string? baseline, Times? baselineTimes) = MeasureBaseline(lab, pass, cancellation);
            (KernelUsage? usage, double occupancy) = Resources(launches);
            return new BenchRow(
                lab.Op, lab.Shape, pass, choice.ToString(), TypeName, times, Timing.Bytes(lab.Case, output, pass, type), flops,
                [.. launches.Select(launch => launch.Kernel)], usage, occupancy, baseline, baselineTimes);
        }
    }

    /// <summary>float32, tf32, bf16 or float64.</summary>
    public string TypeName => type switch
    {
        DType.BFloat16 => "bf16",
        DType.Float32 when Precision == Precision.Tf32 => "tf32",
        _ => type.Label(),
    };

    private Precision Precision => Precisions.Of(type, device);

    private (IReadOnlyList<LaunchTrace.Entry>, double Flops, Shape Output) Trace(OperatorCase item, Pass pass)
    {
        using var arena = new StepArena();
        using StepArena.StepScope step = arena.BeginStep();
        Autograd.Variable output;
        using (var launches = new LaunchTrace())
        using (var operators = new Autograd.OperatorTrace())
        {
            output = Autograd.Variable.Apply(item.Op, item.CreateInputs(type, device));
            if (pass == Pass.Forward)
                return (launches.Entries, 2.0 * operators.Entries[0].MultiplyAdds, output.Shape);
        }
        Shape shape = output.Shape;
        double flops;
        using (var operators = new Autograd.OperatorTrace())
        using (var launches = new LaunchTrace())
        {
            output.Backward(OperatorCase.CreateCotangent(shape, output.Value.DType).To(device));
            flops = LaunchCounts.PassFlops(operators.Entries[0]);
            return (launches.Entries, flops, shape);
        }
    }

    private (string?, Times?) MeasureBaseline(LabCase lab, Pass pass, CancellationToken cancellation)
    {
        if (Baselines.Of(lab.Case, pass, type, device) is { } library)
            return (library.Name, Timing.Repeat(device, seconds, cancellation, time => time(library.Run)));
        return lab.Composition is null
            ? (null, null)
            : ("composition", Timing.Measure(lab.Case, lab.Composition, pass, type, device, seconds, cancellation));
    }

    private (KernelUsage?, double) Resources(IReadOnlyList<LaunchTrace.Entry> launches)
    {
        if (launches.Count == 0)
            return (null, 0);
        LaunchTrace.Entry largest = launches.MaxBy(launch => launch.Blocks * launch.Threads)!;
        CudaKernel kernel = KernelLibrary.Find(device, largest.File, largest.Kernel);
        int resident = kernel.GetOccupancyMaxActiveBlocksPerMultiprocessor(largest.Threads, largest.DynamicShared);
        int warps = CudaDevice.Get(device).Properties.MaxThreadsPerMultiProcessor / 32;
        return (new KernelUsage(kernel.Registers, kernel.SharedMemory + largest.DynamicShared, kernel.LocalMemory),
            Math.Min(1.0, resident * ((largest.Threads + 31) / 32) / (double)warps));
    }
}
