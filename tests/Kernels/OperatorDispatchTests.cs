using CsUnet.Kernels;
using CsUnet.Tensors;
using CsUnet.Tests.Support;

namespace CsUnet.Tests.Kernels;

/// <summary>The methods that an operator must override, and the messages if one is missing.</summary>
public sealed class OperatorDispatchTests
{
    /// <summary>output = 2 input, dInput = 2 dOutput, in the element type.</summary>
    private sealed record Twice : Operator
    {
        protected override void Forward<T>(OperatorCall call) => Double(call[0].AsSpan<T>(), call.Output.AsSpan<T>());

        protected override void Backward<T>(OperatorCall call, Tensor dOutput, GradientSink gradients) =>
            Double(dOutput.AsSpan<T>(), gradients.Target(0, out _).AsSpan<T>());

        private static void Double<T>(ReadOnlySpan<T> from, Span<T> to) where T : System.Numerics.INumber<T>
        {
            for (int i = 0; i < from.Length; i++)
                to[i] = from[i] + from[i];
        }
    }

    private sealed record Nothing : Operator;

    [Theory]
    [InlineData(DType.Float32)]
    [InlineData(DType.Float64)]
    public void A_rule_in_the_element_type_is_all_that_an_elementwise_operator_needs(DType type)
    {
        (Tensor output, PlainSink gradients) = PlainSink.Run(new Twice(), [Tensor.Full([2, 3], 3, type)], Tensor.Full([2, 3], 5, type));
        Assert.Equal(type, output.DType);
        Assert.Equal(new Shape(2, 3), output.Shape);
        Assert.Equal([6, 6, 6, 6, 6, 6], Enumerable.Range(0, 6).Select(i => output[i]));
        Assert.Equal([10, 10, 10, 10, 10, 10], Enumerable.Range(0, 6).Select(i => gradients[0][i]));
    }

    [Fact]
    public void A_missing_rule_is_named()
    {
        var call = new OperatorCall(new Nothing(), [Tensor.Zeros([2])], [true]);
        Assert.StartsWith("Nothing has no rule for the CPU", Assert.Throws<NotSupportedException>(call.Forward).Message);
        Assert.StartsWith("Nothing has no backward rule for the CPU",
            Assert.Throws<NotSupportedException>(() => call.Backward(Tensor.Zeros([2]), new PlainSink(call, accumulate: false))).Message);
    }

    [Fact]
    public void A_call_on_the_CPU_is_in_fp32_whatever_the_scope_and_a_scope_ends_where_it_is_disposed()
    {
        var device = new Device(DeviceKind.Cuda);
        using (Precision.Tf32.Use(device))
        {
            Assert.Equal(Precision.Tf32, Precisions.Current);
            Assert.Equal(Precision.Fp32, new OperatorCall(new Twice(), [Tensor.Zeros([2])]).Precision);
            using (Precision.Fp32.Use(device))
                Assert.Equal(Precision.Fp32, Precisions.Of(DType.Float32, device));
            Assert.Equal(Precision.Tf32, Precisions.Of(DType.Float32, device));
            Assert.Equal(Precision.Bf16, Precisions.Of(DType.BFloat16, device));
            Precision? elsewhere = null;
            var thread = new Thread(() => elsewhere = Precisions.Current);
            thread.Start();
            thread.Join();
            Assert.Equal(Precision.Fp32, elsewhere);
        }
        Assert.Equal(Precision.Fp32, Precisions.Current);
    }
}
