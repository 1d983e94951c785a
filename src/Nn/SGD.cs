using CsUnet.Kernels;

namespace CsUnet.Nn;

/// <summary>Stochastic gradient descent with momentum; see <see cref="Kernels.Sgd"/> for the formula.</summary>
public sealed class SGD : Optimizer
{
    /// <summary>Creates an optimiser for all parameters of a module, with zero velocities.</summary>
    /// <param name="module">The module, on the device where it will be trained.</param>
    /// <param name="learningRate">The learning rate of the first step.</param>
    /// <param name="momentum">Fraction of the previous update that is kept.</param>
    /// <param name="weightDecay">Weight decay, added to the gradient.</param>
    public SGD(Module module, double learningRate = 1e-2, double momentum = 0, double weightDecay = 0) : base(module, "momentum_buffer")
    {
        LearningRate = learningRate;
        Momentum = momentum;
        WeightDecay = weightDecay;
    }

    /// <summary>Fraction of the previous update that is kept.</summary>
    public double Momentum { get; init; }

    /// <summary>Weight decay, added to the gradient.</summary>
    public double WeightDecay { get; init; }

    /// <inheritdoc />
    protected override UpdateRule Rule => new Kernels.Sgd(LearningRate, Momentum, WeightDecay);
}
