using CsUnet.Autograd;
using CsUnet.Tensors;

namespace CsUnet.Nn;

/// <summary>A module with one input and one output, so that it can be a part of a <see cref="Sequential"/>.</summary>
/// <param name="type">Element type of parameters and activations.</param>
public abstract class Layer(DType type = DType.Float32) : Module(type)
{
    /// <summary>Applies the layer.</summary>
    public abstract Variable Forward(Variable input);

    /// <summary>A new layer with the settings of this one and parameters of its own, not initialised.</summary>
    public abstract Layer Like();
}
