using CsUnet.Autograd;
using CsUnet.Tensors;

namespace CsUnet.Nn;

/// <summary>(B, ...) -> (B, n). Channels vary fastest, as in memory; in PyTorch they vary slowest.</summary>
/// <param name="type">Element type of activations.</param>
public sealed class Flatten(DType type = DType.Float32) : ActivationLayer(Functional.Flatten, type)
{
    /// <inheritdoc />
    public override Layer Like() => new Flatten(DType);
}
