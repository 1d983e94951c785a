using CsUnet.Autograd;
using CsUnet.Tensors;

namespace CsUnet.Nn;

/// <summary>The logistic function, 1 / (1 + exp(-x)).</summary>
/// <param name="type">Element type of activations.</param>
public sealed class Sigmoid(DType type = DType.Float32) : ActivationLayer(Functional.Sigmoid, type)
{
    /// <inheritdoc />
    public override Layer Like() => new Sigmoid(DType);
}
