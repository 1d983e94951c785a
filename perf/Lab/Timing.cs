using System.Diagnostics;
using CsUnet.Autograd;
using CsUnet.Cases;
using CsUnet.Cuda;
using CsUnet.Kernels;
using CsUnet.Tensors;

namespace CsUnet.Lab;

/// <summary>Which pass of an operator.</summary>
public enum Pass
{
    /// <summary>The forward pass.</summary>
    Forward,

    /// <summary>The backward pass alone, with the gradients of all inputs.</summary>
    Backward,
}

/// <summary>Times of one thing, in seconds.</summary>
/// <param name="Median">The median.</param>
/// <param name="Low">The tenth percentile.</param>
/// <param name="High">The ninetieth percentile.</param>
/// <param name="Runs">How many there were.</param>
public sealed record Times(double Median, double Low, double High, int Runs)
{
    /// <summary>The statistics of a list of times.</summary>
    public static Times Of(IReadOnlyCollection<double> seconds)
    {
        double[] sorted = [.. seconds.Order()];
        return new Times(sorted[sorted.Length / 2], sorted[sorted.Length / 10], sorted[sorted.Length * 9 / 10], sorted.Length);
    }
}

/// <summary>
/// Times operators: on the processor by the clock, on a GPU by events around the pass. Random inputs, several sets of them in turn, so that
/// a cache does not hold what a network would have to fetch; the first runs do not count; at least half a second and five runs do.
/// </summary>
public static class Timing
{
    private const int WarmUps = 3, FewestRuns = 5, MostRuns = 1000;
    private const long RotatedBytes = 128L << 20;
    private const double Seconds = 0.5;

    /// <summary>Times a pass.</summary>
    /// <param name="item">The operator and its inputs.</param>
    /// <param name="apply">How to compute it from its inputs; null: by the operator itself.</param>
    /// <param name="pass">Which pass.</param>
    /// <param name="type">Element type of the inputs.</param>
    /// <param name="device">Where. Not the emulator, whose time says nothing.</param>
    /// <param name="cancellation">Stops between two runs.</param>
    public static Times Measure(
        OperatorCase item, Func<IReadOnlyList<Variable?>, Variable>? apply, Pass pass, DType type, Device device, CancellationToken cancellation)
    {
        if (device.Kind == DeviceKind.Cuda && CudaLibraries.IsEmulated)
            throw new InvalidOperationException("the emulator's time is no kernel's time: count and project instead");
        apply ??= inputs => Variable.Apply(item.Op, [.. inputs]);
        using var arena = new StepArena();
        long bytes = Math.Max(1, item.Inputs.Sum(input => input is null ? 0 : input.Shape.Count * type.Size()));
        int sets = (int)Math.Clamp(RotatedBytes / bytes, 1, 6);
        Variable?[][] inputs = [.. Enumerable.Range(0, sets).Select(_ => item.CreateInputs(type, device))];
        Tensor? cotangent = null;
        var times = new List<double>();
        double total = 0;
        for (int run = 0; run < WarmUps + MostRuns && (times.Count < FewestRuns || total < Seconds); run++)
        {
            cancellation.ThrowIfCancellationRequested();
            using StepArena.StepScope step = arena.BeginStep();
            Variable?[] set = inputs[run % sets];
            foreach (Variable? input in set)
                input?.ClearGradient();
            double seconds;
            if (pass == Pass.Forward)
            {
                seconds = Time(device, () => apply(set));
            }
            else
            {
                Variable output = apply(set);
                if (cotangent is null)
                    using (StepArena.Suspend())
                        cotangent = OperatorCase.CreateCotangent(output.Shape, output.Value.DType).To(device);
                seconds = Time(device, () => output.Backward(cotangent));
            }
            if (run < WarmUps)
                continue;
            times.Add(seconds);
            total += seconds;
        }
        return Times.Of(times);
    }

    /// <summary>The time of an action on a device, in seconds.</summary>
    public static double Time(Device device, Action action)
    {
        if (device.Kind == DeviceKind.Cpu)
        {
            long start = Stopwatch.GetTimestamp();
            action();
            return Stopwatch.GetElapsedTime(start).TotalSeconds;
        }
        CudaDevice cuda = CudaDevice.Get(device);
        using CudaEvent begin = new(), end = new();
        begin.Record(cuda.Stream.Stream);
        action();
        end.Record(cuda.Stream.Stream);
        end.Synchronize();
        return CudaEvent.ElapsedTime(begin, end) / 1e3;
    }

    /// <summary>Bytes that a pass has to read and write if each of its tensors is touched once.</summary>
    public static long Bytes(OperatorCase item, Shape output, Pass pass, DType type)
    {
        long inputs = item.Inputs.Sum(input => input is null ? 0 : input.Shape.Count * (input.Fill is Fill.ByteLabels ? 1 : type.Size()));
        long gradients = item.Inputs.Sum(input => input is { NeedsGradient: true } ? input.Shape.Count * type.Size() : 0);
        return pass == Pass.Forward ? inputs + output.Count * type.Size() : inputs + output.Count * type.Size() + gradients;
    }
}
