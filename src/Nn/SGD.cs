using CsUnet.Kernels.Cuda;
using CsUnet.Tensors;

namespace CsUnet.Nn;

/// <summary>Stochastic gradient descent with momentum; see <see cref="Kernels.Sgd"/> for the formula.</summary>
public sealed class SGD : Optimizer
{
    private readonly Tensor[] _velocities;

    /// <summary>Creates an optimiser for all parameters of a module, with zero velocities.</summary>
    /// <param name="module">The module, on the device where it will be trained.</param>
    /// <param name="learningRate">The learning rate of the first step.</param>
    /// <param name="momentum">Fraction of the previous update that is kept.</param>
    /// <param name="weightDecay">Weight decay, added to the gradient.</param>
    public SGD(Module module, double learningRate = 1e-2, double momentum = 0, double weightDecay = 0) : base(module)
    {
        LearningRate = learningRate;
        Momentum = momentum;
        WeightDecay = weightDecay;
        _velocities = ZerosLikeParameters();
    }

    /// <summary>Fraction of the previous update that is kept.</summary>
    public double Momentum { get; init; }

    /// <summary>Weight decay, added to the gradient.</summary>
    public double WeightDecay { get; init; }

    private Kernels.Sgd Rule => new(LearningRate, Momentum, WeightDecay);

    /// <inheritdoc />
    protected override void Update(int index, Tensor value, Tensor gradient) => Rule.Update(value, gradient, _velocities[index]);

    /// <inheritdoc />
    protected override float[] Settings() => Rule.Settings();

    internal override void Update(TensorTable table, Tensor settings, Tensor? factor) => Kernels.Sgd.Update(table, settings, factor);

    /// <inheritdoc />
    protected override IEnumerable<(string Name, Tensor[] Tensors)> Slots() => [("momentum_buffer", _velocities)];
}
