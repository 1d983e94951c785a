using CsUnet.Autograd;
using CsUnet.Tensors;

namespace CsUnet.Nn;

/// <summary>In training, drops elements with a probability and scales the others by 1 / (1 - probability); else the identity.</summary>
/// <param name="probability">From 0 to below 1.</param>
/// <param name="type">Element type of activations.</param>
public sealed class Dropout(double probability = 0.5, DType type = DType.Float32) : Layer(type)
{
    /// <inheritdoc />
    public override Variable Forward(Variable input) =>
        IsTraining && probability > 0 ? Variable.Apply(new Kernels.Dropout(probability, Key), input) : input;

    /// <inheritdoc />
    public override Layer Like() => new Dropout(probability, DType);
}
