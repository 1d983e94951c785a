using CsUnet.Kernels;
using CsUnet.Kernels.Cpu;
using CsUnet.Tensors;
using Xunit;

namespace CsUnet.Tests.Kernels;

/// <summary>Tests that change vector width or number of threads run alone: both are settings of the process.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class KernelSettings
{
    public const string Name = "kernel settings";

    /// <summary>Sets vector width and threads until disposed.</summary>
    internal static IDisposable Use(bool narrow, int threads) => new Scope(narrow, threads);

    private sealed class Scope : IDisposable
    {
        private readonly bool _narrow = VectorWidth.ForceNarrow;
        private readonly int _threads = Workers.Count;

        public Scope(bool narrow, int threads)
        {
            VectorWidth.ForceNarrow = narrow;
            Workers.Count = threads;
        }

        public void Dispose()
        {
            VectorWidth.ForceNarrow = _narrow;
            Workers.Count = _threads;
        }
    }
}

/// <summary>Seeded numbers and comparisons that name the worst element.</summary>
internal static class Numbers
{
    public static Tensor Random(Shape shape, DType type, uint seed)
    {
        Tensor tensor = Tensor.Empty(shape, type);
        var key = new RandomKey(17, 0, seed);
        for (long i = 0; i < tensor.Count; i++)
            tensor[i] = key.Uniform((ulong)i) * 2 - 1;
        return tensor;
    }

    /// <summary>Keeps tensors from being collected, and their memory from being freed, while only pointers to them are in use.</summary>
    public static void KeepAlive(params Tensor[] tensors) => GC.KeepAlive(tensors);

    public static void AssertClose(Tensor expected, Tensor actual, double tolerance, string what, double offset = 0)
    {
        double worst = 0;
        long at = -1;
        for (long i = 0; i < expected.Count; i++)
        {
            double error = Math.Abs(actual[i] - offset - expected[i]) / Math.Max(1, Math.Abs(expected[i]));
            if (error > worst || double.IsNaN(error))
            {
                worst = double.IsNaN(error) ? double.PositiveInfinity : error;
                at = i;
            }
        }
        Assert.True(worst <= tolerance,
            $"{what}: largest error {worst:E2} at {at} ({worst / tolerance:P0} of {tolerance:E1}): "
            + (at < 0 ? "" : $"{actual[at]}, expected {expected[at]} + {offset}"));
    }

    public static void AssertSameBits(Tensor expected, Tensor actual, string what)
    {
        unsafe
        {
            Assert.True(
                new ReadOnlySpan<byte>(expected.RawPointer, (int)expected.Bytes).SequenceEqual(
                    new ReadOnlySpan<byte>(actual.RawPointer, (int)actual.Bytes)),
                $"{what}: bits differ");
        }
        KeepAlive(expected, actual);
    }
}

/// <summary>Gradients by input: prefilled with NaN, or with ones to add to.</summary>
internal sealed class PlainSink(OperatorCall call, bool accumulate) : GradientSink
{
    private readonly Dictionary<int, Tensor> _gradients = [];

    public Tensor this[int input] => _gradients[input];

    public override Tensor Target(int input, out bool accumulates)
    {
        accumulates = accumulate;
        Tensor like = call[input];
        return _gradients[input] = Tensor.Full(like.Shape, accumulate ? 1 : double.NaN, like.DType);
    }

    public override void Give(int input, Tensor gradient) => _gradients[input] = gradient;

    public override void Pass(int input, Tensor gradient) => _gradients[input] = gradient.Clone();

    /// <summary>Runs an operator forward and backward.</summary>
    public static (Tensor Output, PlainSink Gradients) Run(Operator op, Tensor?[] inputs, Tensor dOutput, bool accumulate = false)
    {
        var call = new OperatorCall(inputs, [.. inputs.Select(input => input is not null)]);
        call.Forward(op);
        var sink = new PlainSink(call, accumulate);
        op.Backward(call, dOutput, sink);
        return (call.Output, sink);
    }
}
