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
        GeluMlp => inputs =>
        {
            Variable x = Variable.Apply(new Gelu(), Variable.Apply(new Linear(), inputs[0], inputs[2], inputs[3]));
            x = Variable.Apply(new Linear(), x, inputs[4], inputs[5]);
            if (inputs.Count > 6)
                x = Variable.Apply(new Linear(), Variable.Apply(new Gelu(), Variable.Apply(new Add(), x, inputs[0])), inputs[6], inputs[7]);
            return inputs[1] is { } residual ? Variable.Apply(new Add(), x, residual) : x;
        },
        PatchMergeNorm fused => inputs =>
            Variable.Apply(new LayerNorm(fused.Eps), Variable.Apply(new PatchMerge(), inputs[0]), inputs[1], inputs[2]),
        PixelShuffleNorm fused => inputs =>
            Variable.Apply(new LayerNorm(fused.Eps), Variable.Apply(new PixelShuffle(fused.Scale), inputs[0]), inputs[1], inputs[2]),
        CrossEntropyDice fused => inputs => Variable.Apply(new WeightedSum([fused.EntropyWeight, fused.DiceWeight]),
            Variable.Apply(new CrossEntropy(fused.ClassWeights, fused.IgnoreIndex), inputs[0], inputs[1]),
            Variable.Apply(new SoftDice(fused.Smooth, fused.IgnoreIndex), inputs[0], inputs[1])),
        _ => null,
    };
}
