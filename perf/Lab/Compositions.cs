using CsUnet.Autograd;
using CsUnet.Kernels;

namespace CsUnet.Lab;

/// <summary>What a fused operator replaces: the same result by simple operators, its baseline on every device.</summary>
internal static class Compositions
{
    /// <summary>The unfused form of an operator, on its inputs in their order; null if it has none.</summary>
    public static Func<IReadOnlyList<Variable?>, Variable>? Of(Operator op) => op switch
    {
        ConvBatchNormReLU fused => inputs =>
        {
            Variable x = Variable.Apply(new Conv2d(fused.Stride, fused.Padding, fused.Groups), inputs[0], inputs[1]);
            x = Variable.Apply(new BatchNorm(fused.Eps, fused.Momentum, fused.Training), x, inputs[2], inputs[3], inputs[4], inputs[5]);
            if (inputs.Count > 6 && inputs[6] is { } residual)
                x = Variable.Apply(new Add(), x, residual);
            return fused.ReLU ? Variable.Apply(new ReLU(), x) : x;
        },
        _ => null,
    };
}
