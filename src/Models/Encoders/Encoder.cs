using CsUnet.Autograd;
using CsUnet.Nn;
using CsUnet.Tensors;

namespace CsUnet.Models.Encoders;

/// <summary>
/// A network that turns images into feature maps of decreasing resolution, which a decoder combines. Parameter names are those of the
/// public weight files of its family.
/// </summary>
/// <param name="type">Element type.</param>
public abstract class Encoder(DType type) : Module(type)
{
    /// <summary>The feature maps that <see cref="Forward"/> returns, finest first; those of CNNs have strides 2, 4, 8, 16 and 32.</summary>
    public abstract IReadOnlyList<Feature> Features { get; }

    /// <summary>The feature maps of images (B, H, W, 3), in the order of <see cref="Features"/>.</summary>
    public abstract Variable[] Forward(Variable images);
}
