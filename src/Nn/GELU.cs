using CsUnet.Autograd;
using CsUnet.Tensors;

namespace CsUnet.Nn;

/// <summary>The Gaussian error linear unit in its exact form.</summary>
/// <param name="type">Element type of activations.</param>
public sealed class GELU(DType type = DType.Float32) : ActivationLayer(Functional.GELU, type)
{
    /// <inheritdoc />
    public override Layer Like() => new GELU(DType);
}
