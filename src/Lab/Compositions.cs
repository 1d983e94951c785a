using CsUnet.Autograd;
using CsUnet.Kernels;

namespace CsUnet.Lab;

/// <summary>The unfused equivalents of fused operators, which are their baseline on every device.</summary>
internal static class Compositions
{
    /// <summary>The unfused form of an operator, on the same inputs in the same order; null if it has none.</summary>
    public static Func<IReadOnlyList<Variable?>, Variable>? Of(Operator op) => op switch
    {
        ConvBatchNormReLU fused => inputs =>
        {
            Variable x = Variable.Apply(new Conv2d(fused.Stride, fused.Padding, fused.Groups), inputs[0], inputs[1]);
            x = Variable.Apply(new BatchNorm(fused.Eps, fused.Momentum, fused.Training), x, inputs[2], inputs[3], inputs[4], inputs[5]);
            if (inputs.Count > 6 && inputs[6] is { } residual)
                x = Variable.Apply(new Add(), x, residual);
            return fused.ReLU ? Variable.Apply(new Activation(ActivationKind.ReLU), x) : x;
        },
        GeluMlp => inputs =>
        {
            Variable x = Variable.Apply(new Activation(ActivationKind.GELU), Variable.Apply(new Linear(), inputs[0], inputs[2], inputs[3]));
            x = Variable.Apply(new Linear(), x, inputs[4], inputs[5]);
            if (inputs.Count > 6)
                x = Variable.Apply(new Linear(),
                    Variable.Apply(new Activation(ActivationKind.GELU), Variable.Apply(new Add(), x, inputs[0])), inputs[6], inputs[7]);
            return inputs[1] is { } residual ? Variable.Apply(new Add(), x, residual) : x;
        },
        PatchMergeNorm fused => inputs =>
            Variable.Apply(new LayerNorm(fused.Eps), Variable.Apply(new PatchMerge(), inputs[0]), inputs[1], inputs[2]),
        PixelShuffleNorm fused => inputs =>
            Variable.Apply(new LayerNorm(fused.Eps), Variable.Apply(new PixelShuffle(fused.Scale), inputs[0]), inputs[1], inputs[2]),
        CrossEntropyDice { EntropyWeight: not 0, DiceWeight: not 0 } fused => inputs => Variable.Apply(new Add(),
            Variable.Apply(fused with { DiceWeight = 0 }, inputs[0], inputs[1]),
            Variable.Apply(fused with { EntropyWeight = 0 }, inputs[0], inputs[1])),
        _ => null,
    };
}
