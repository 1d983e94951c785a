using CsUnet.Autograd;
using CsUnet.Tensors;

namespace CsUnet.Nn;

/// <summary>A layer without parameters that applies one function.</summary>
/// <param name="apply">The function.</param>
/// <param name="type">Element type of activations.</param>
public abstract class ActivationLayer(Func<Variable, Variable> apply, DType type) : Layer(type)
{
    /// <inheritdoc />
    public override Variable Forward(Variable input) => apply(input);
}
