using CsUnet.Kernels;
using CsUnet.Kernels.Cuda;
using CsUnet.Tensors;

namespace CsUnet.Nn;

/// <summary>Stochastic gradient descent with momentum; see <see cref="Sgd"/> for the formula.</summary>
public sealed class SgdOptimizer : Optimizer
{
    private readonly Tensor[] _velocities;

    /// <summary>An optimiser of all parameters of a module, at rest.</summary>
    public SgdOptimizer(Module module) : base(module)
    {
        LearningRate = 1e-2;
        _velocities = ZerosLikeParameters();
    }

    /// <summary>Share of the previous update that is kept.</summary>
    public double Momentum { get; init; } = 0.9;

    /// <summary>Weight decay, added to the gradient.</summary>
    public double WeightDecay { get; init; }

    private Sgd Rule => new(LearningRate, Momentum, WeightDecay);

    /// <inheritdoc />
    protected override void Update(int index, Tensor value, Tensor gradient) => Rule.Update(value, gradient, _velocities[index]);

    /// <inheritdoc />
    protected override float[] Settings() => Rule.Settings();

    internal override void Update(TensorTable table, Tensor settings, Tensor? factor) => Sgd.Update(table, settings, factor);

    /// <inheritdoc />
    protected override IEnumerable<(string Name, Tensor[] Tensors)> Slots() => [("momentum_buffer", _velocities)];
}
