using CsUnet.Autograd;
using CsUnet.Models.Encoders;
using CsUnet.Nn;
using CsUnet.Tensors;

namespace CsUnet.Models.Networks;

/// <summary>
/// The decoder of U-Net. Starting at the deepest feature, each block doubles the resolution and concatenates the encoder's feature of that
/// resolution. The last block, at image resolution, has no feature to concatenate. Names: blocks.{i}.
/// </summary>
public sealed class UNetDecoder : Module
{
    private readonly ModuleList<UNetDecoderBlock> _blocks;

    /// <summary>Creates a decoder.</summary>
    /// <param name="features">The encoder's features; their strides are 2, 4, 8, ...</param>
    /// <param name="channels">Channels of the blocks, deepest first; one block per feature.</param>
    /// <param name="type">Element type.</param>
    /// <exception cref="ArgumentException">The number of channels or the strides do not match.</exception>
    public UNetDecoder(IReadOnlyList<Feature> features, IReadOnlyList<int> channels, DType type) : base(type)
    {
        int count = features.Count;
        string strides = string.Join(", ", features.Select(feature => feature.Stride));
        if (!features.Select((feature, level) => feature.Stride == 2 << level).All(fits => fits))
            throw new InvalidValueException(nameof(features),
                $"U-Net: the encoder's features have strides {strides}, expected 2, 4, 8, ...: every block doubles the resolution");
        if (channels.Count != count)
            throw new InvalidValueException(nameof(channels),
                $"U-Net: {channels.Count} decoder channels, expected {count}, one for each feature of strides {strides}");
        _blocks = Register("blocks", new ModuleList<UNetDecoderBlock>(Enumerable.Range(0, count).Select(i => new UNetDecoderBlock(
            inputs: i == 0 ? features[^1].Channels : channels[i - 1],
            skip: i < count - 1 ? features[count - 2 - i].Channels : 0, channels[i], type)),
            type));
    }

    /// <summary>Decodes the features of images (B, H, W, 3) into (B, H, W, channels of the last block).</summary>
    public Variable Forward(Variable[] features)
    {
        Variable x = features[^1];
        for (int i = 0; i < _blocks.Items.Count; i++)
            x = _blocks.Items[i].Forward(x, i < features.Length - 1 ? features[^(i + 2)] : null);
        return x;
    }
}
