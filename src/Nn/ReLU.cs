using CsUnet.Autograd;
using CsUnet.Tensors;

namespace CsUnet.Nn;

/// <summary>The rectified linear unit, max(x, 0).</summary>
/// <param name="type">Element type of activations.</param>
public sealed class ReLU(DType type = DType.Float32) : ActivationLayer(Functional.ReLU, type)
{
    /// <inheritdoc />
    public override Layer Like() => new ReLU(DType);
}
