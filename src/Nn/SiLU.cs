using CsUnet.Autograd;
using CsUnet.Tensors;

namespace CsUnet.Nn;

/// <summary>The sigmoid linear unit, x sigmoid(x), also called Swish.</summary>
/// <param name="type">Element type of activations.</param>
public sealed class SiLU(DType type = DType.Float32) : ActivationLayer(Functional.SiLU, type)
{
    /// <inheritdoc />
    public override Layer Like() => new SiLU(DType);
}
