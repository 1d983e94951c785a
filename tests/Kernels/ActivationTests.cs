using CsUnet.Kernels;
using CsUnet.Kernels.Cpu;
using CsUnet.Tensors;
using CsUnet.Tests.Support;

namespace CsUnet.Tests.Kernels;

public sealed class ActivationTests
{
    public static TheoryData<ActivationKind> Kinds() => [.. Enum.GetValues<ActivationKind>()];

    private static double Formula(ActivationKind kind, double x) => kind switch
    {
        ActivationKind.ReLU => Math.Max(x, 0),
        ActivationKind.ReLU6 => Math.Min(Math.Max(x, 0), 6),
        ActivationKind.GELU => x * (1 + VectorMath.Erf(x / Math.Sqrt(2))) / 2,
        ActivationKind.SiLU => x / (1 + Math.Exp(-x)),
        ActivationKind.Sigmoid => 1 / (1 + Math.Exp(-x)),
        ActivationKind.HardSwish => x * Math.Min(Math.Max(x + 3, 0), 6) / 6,
        _ => throw new ArgumentOutOfRangeException(nameof(kind)),
    };

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Every_kind_follows_its_formula(ActivationKind kind)
    {
        double[] points = [.. Enumerable.Range(-120, 241).Select(i => i / 12.0)];
        foreach (DType type in new[] { DType.Float32, DType.Float64 })
        {
            Tensor input = Tensor.From(points, [points.Length]).To(type), output = OperatorCall.Run(new Activation(kind), input);
            for (int i = 0; i < points.Length; i++)
                Assert.Equal(Formula(kind, input[i]), output[i], type == DType.Float32 ? 2e-6 : 1e-14);
        }
    }

    private static double Derivative(ActivationKind kind, double x)
    {
        Tensor input = Tensor.From([x], [1]);
        return PlainSink.Run(new Activation(kind), [input], Tensor.Full([1], 1, DType.Float64)).Gradients[0][0];
    }

    [Fact]
    public void Where_pieces_meet_the_derivative_is_that_of_the_outer_piece()
    {
        Assert.Equal(0, Derivative(ActivationKind.ReLU, 0));
        Assert.Equal(0, Derivative(ActivationKind.ReLU6, 0));
        Assert.Equal(0, Derivative(ActivationKind.ReLU6, 6));
        Assert.Equal(1, Derivative(ActivationKind.ReLU6, 5.9));
        Assert.Equal(0, Derivative(ActivationKind.HardSwish, -3));
        Assert.Equal(1, Derivative(ActivationKind.HardSwish, 3));
        Assert.Equal(0.5, Derivative(ActivationKind.HardSwish, 0));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Large_numbers_do_not_overflow_and_a_NaN_stays(ActivationKind kind)
    {
        foreach (DType type in new[] { DType.Float32, DType.Float64 })
        {
            // The last element is in the remainder after the whole vectors.
            Tensor input = Tensor.Full([17], -1000, type);
            input[1] = 1000;
            input[16] = double.NaN;
            Tensor output = OperatorCall.Run(new Activation(kind), input);
            Assert.Equal(kind == ActivationKind.ReLU6 ? 6 : kind == ActivationKind.Sigmoid ? 1 : 1000, output[1]);
            Assert.InRange(output[0], -1e-30, 1e-30);
            Assert.True(double.IsNaN(output[16]));
        }
    }

    [Fact]
    public void An_unknown_kind_is_named() =>
        Assert.Contains("expected one of ReLU, ReLU6, GELU, SiLU, Sigmoid, HardSwish", Assert.Throws<ArgumentOutOfRangeException>(
            () => OperatorCall.Run(new Activation((ActivationKind)77), Tensor.Zeros([2]))).Message);
}
