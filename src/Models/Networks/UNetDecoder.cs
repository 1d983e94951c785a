using CsUnet.Autograd;
using CsUnet.Models.Encoders;
using CsUnet.Nn;
using CsUnet.Tensors;

namespace CsUnet.Models.Networks;

/// <summary>
/// The decoder of U-Net: from the deepest feature on, each block doubles the resolution and joins the encoder's feature of that resolution;
/// the last, at the resolution of the images, has none to join. Names: blocks.{i}.
/// </summary>
public sealed class UNetDecoder : Module
{
    private readonly ModuleList<UNetDecoderBlock> _blocks;

    /// <summary>A decoder.</summary>
    /// <param name="features">The encoder's features; their strides are 2, 4, 8, ...</param>
    /// <param name="channels">Channels of the blocks, deepest first, as many as features.</param>
    /// <param name="type">Element type.</param>
    /// <exception cref="ArgumentException">Numbers or strides do not fit.</exception>
    public UNetDecoder(IReadOnlyList<Feature> features, IReadOnlyList<int> channels, DType type) : base(type)
    {
        int count = features.Count;
        string strides = string.Join(", ", features.Select(feature => feature.Stride));
        if (!features.Select((feature, level) => feature.Stride == 2 << level).All(fits => fits))
            throw new ArgumentException(
                $"U-Net: the encoder's features have strides {strides}, expected 2, 4, 8, ...: every block doubles the resolution");
        if (channels.Count != count)
            throw new ArgumentException(
                $"U-Net: {channels.Count} decoder channels, expected {count}, one for each feature of strides {strides}");
        _blocks = Register("blocks", new ModuleList<UNetDecoderBlock>(Enumerable.Range(0, count).Select(i => new UNetDecoderBlock(
            inputs: i == 0 ? features[^1].Channels : channels[i - 1],
            skip: i < count - 1 ? features[count - 2 - i].Channels : 0, channels[i], type)),
            type));
    }

    /// <summary>(B, H, W, channels of the last block) of the features of images (B, H, W, 3).</summary>
    public Variable Forward(Variable[] features)
    {
        Variable x = features[^1];
        for (int i = 0; i < _blocks.Items.Count; i++)
            x = _blocks.Items[i].Forward(x, i < features.Length - 1 ? features[^(i + 2)] : null);
        return x;
    }
}
