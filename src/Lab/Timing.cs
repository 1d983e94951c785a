using System.Diagnostics;
using CsUnet.Autograd;
using CsUnet.Cuda;
using CsUnet.Tensors;
using CsUnet.Verification;

namespace CsUnet.Lab;

/// <summary>
/// Times operators: on the CPU by the clock, on a GPU by events around the pass. Inputs are random. Before every run the caches are
/// filled with other data, because in a network much happens between two uses of a tensor. The first runs are warm-up; the others repeat
/// until they have taken the requested time, or three times that including the work between them, or until there are a thousand.
/// </summary>
public static class Timing
{
    private const int WarmUps = 3, FewestRuns = 5, MostRuns = 1000;
    private const int Overall = 3;

    /// <summary>The usual measuring time per row.</summary>
    public const double UsualSeconds = 0.5;

    /// <summary>Times a pass.</summary>
    /// <param name="item">The operator and its inputs.</param>
    /// <param name="apply">Computes it from its inputs; null for the operator itself.</param>
    /// <param name="pass">The pass.</param>
    /// <param name="type">Element type of the inputs.</param>
    /// <param name="device">The device. Not the emulator, whose time says nothing about a GPU.</param>
    /// <param name="wanted">Seconds that the runs shall take together.</param>
    /// <param name="cancellation">Stops between two runs.</param>
    public static Times Measure(
        OperatorCase item, Func<IReadOnlyList<Variable?>, Variable>? apply, Pass pass, DType type, Device device, double wanted,
        CancellationToken cancellation)
    {
        apply ??= inputs => Variable.Apply(item.Op, [.. inputs]);
        using var arena = new StepArena();
        Variable?[] inputs = item.CreateInputs(type, device);
        Tensor? cotangent = null;
        return Repeat(device, wanted, cancellation, time =>
        {
            using StepArena.StepScope step = arena.BeginStep();
            foreach (Variable? input in inputs)
                input?.ClearGradient();
            if (pass == Pass.Forward)
                return time(() => apply(inputs));
            Variable output = apply(inputs);
            if (cotangent is null)
                using (StepArena.Suspend())
                    cotangent = OperatorCase.CreateCotangent(output.Shape, output.Value.DType).To(device);
            return time(() => output.Backward(cotangent));
        });
    }

    /// <summary>Runs an action repeatedly, from cold caches.</summary>
    /// <param name="device">Where it runs. Not the emulator, whose time says nothing about a GPU.</param>
    /// <param name="wanted">Seconds that the runs shall take together.</param>
    /// <param name="cancellation">Stops between two runs.</param>
    /// <param name="run">One run: passes the timed action to the given function and returns that function's result.</param>
    public static Times Repeat(Device device, double wanted, CancellationToken cancellation, Func<Func<Action, double>, double> run)
    {
        if (device.Kind == DeviceKind.Cuda && CudaLibraries.IsEmulated)
            throw new InvalidOperationException("the emulator's time says nothing about a kernel's time: count and project instead");
        Tensor other;
        using (StepArena.Suspend())
            other = Tensor.Full([CacheBytes(device) / sizeof(float)], 1.5, DType.Float32, device);
        var times = new List<double>();
        double total = 0;
        long start = Stopwatch.GetTimestamp();
        for (int i = 0; i < WarmUps + MostRuns; i++)
        {
            cancellation.ThrowIfCancellationRequested();
            double seconds = run(action =>
            {
                Evict(other);
                return Time(device, action);
            });
            if (i < WarmUps)
                continue;
            times.Add(seconds);
            total += seconds;
            if (times.Count >= FewestRuns && (total >= wanted || Stopwatch.GetElapsedTime(start).TotalSeconds >= Overall * wanted))
                break;
        }
        return Times.Of(times);
    }

    // Larger than the last-level cache of a CPU's cores or of a GPU.
    private static int CacheBytes(Device device) => device.Kind == DeviceKind.Cpu ? 64 << 20 : 256 << 20;

    private static unsafe void Evict(Tensor other)
    {
        if (other.Device.Kind == DeviceKind.Cuda)
        {
            other.Fill(0);
            return;
        }
        byte* bytes = (byte*)other.RawPointer;
        // Also flush the private caches of every thread.
        Workers.Split(other.Bytes, 1 << 20, (start, end) => new Span<byte>(bytes + start, (int)(end - start)).Fill(1));
        GC.KeepAlive(other);
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

    /// <summary>Bytes that a pass reads and writes if it touches each of its tensors once.</summary>
    public static long Bytes(OperatorCase item, Shape output, Pass pass, DType type)
    {
        long inputs = item.Inputs.Sum(input => input is null ? 0 : input.Shape.Count * (input.Fill is Fill.ByteLabels ? 1 : type.Size()));
        long gradients = item.Inputs.Sum(input => input is { NeedsGradient: true } ? input.Shape.Count * type.Size() : 0);
        return pass == Pass.Forward ? inputs + output.Count * type.Size() : inputs + output.Count * type.Size() + gradients;
    }
}
