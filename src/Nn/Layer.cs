using CsUnet.Autograd;
using CsUnet.Tensors;

namespace CsUnet.Nn;

/// <summary>A module with one input and one output, which a <see cref="Sequential"/> can contain.</summary>
/// <param name="type">Element type of parameters and activations.</param>
public abstract class Layer(DType type = DType.Float32) : Module(type)
{
    /// <summary>Applies the layer.</summary>
    public abstract Variable Forward(Variable input);

    /// <summary>Creates a layer with the same settings and its own parameters, which are not initialised.</summary>
    public abstract Layer Like();
}
