using CsUnet.Autograd;
using CsUnet.Tensors;

namespace CsUnet.Nn;

/// <summary>
/// In training, drops each element with a probability and scales the others by 1 / (1 - probability). Otherwise the identity.
/// </summary>
/// <param name="probability">At least 0 and less than 1.</param>
/// <param name="type">Element type of activations.</param>
public sealed class Dropout(double probability = 0.5, DType type = DType.Float32) : Layer(type)
{
    /// <inheritdoc />
    public override Variable Forward(Variable input) =>
        IsTraining && probability > 0 ? Variable.Apply(new Kernels.Dropout(probability, Key), input) : input;

    /// <inheritdoc />
    public override Layer Like() => new Dropout(probability, DType);
}
