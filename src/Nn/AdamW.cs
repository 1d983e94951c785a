using CsUnet.Kernels;

namespace CsUnet.Nn;

/// <summary>AdamW, with weight decay on every parameter; see <see cref="Kernels.AdamW"/> for the formula.</summary>
public sealed class AdamW : Optimizer
{
    /// <summary>Creates an optimiser for all parameters of a module, with zero moments.</summary>
    /// <param name="module">The module, on the device where it will be trained.</param>
    /// <param name="learningRate">The learning rate of the first step.</param>
    /// <param name="weightDecay">Decoupled weight decay.</param>
    public AdamW(Module module, double learningRate = 1e-3, double weightDecay = 0.01) : base(module, "exp_avg", "exp_avg_sq")
    {
        LearningRate = learningRate;
        WeightDecay = weightDecay;
    }

    /// <summary>Decay rate of the mean gradient.</summary>
    public double Beta1 { get; init; } = 0.9;

    /// <summary>Decay rate of the mean squared gradient.</summary>
    public double Beta2 { get; init; } = 0.999;

    /// <summary>Added to the denominator to keep the quotient finite.</summary>
    public double Epsilon { get; init; } = 1e-8;

    /// <summary>Decoupled weight decay.</summary>
    public double WeightDecay { get; init; }

    /// <inheritdoc />
    protected override UpdateRule Rule => new Kernels.AdamW(LearningRate, Beta1, Beta2, Epsilon, WeightDecay);
}
