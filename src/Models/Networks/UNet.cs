using CsUnet.Autograd;
using CsUnet.Models.Encoders;
using CsUnet.Nn;
using CsUnet.Tensors;

namespace CsUnet.Models.Networks;

/// <summary>
/// U-Net (Ronneberger, Fischer, Brox 2015) with any encoder, built like the one in segmentation_models.pytorch, with the same parameter
/// names: encoder, decoder, segmentation_head.
/// </summary>
public sealed class UNet : SegmentationModel
{
    private readonly Encoder _encoder;
    private readonly UNetDecoder _decoder;
    private readonly SegmentationHead _head;

    /// <summary>Creates a network with unset parameters; call <see cref="ModuleExtensions.Initialize"/> or load weights.</summary>
    /// <exception cref="ArgumentException">The options cannot be built.</exception>
    public UNet(UNetOptions options, DType type = DType.Float32) : base(options, type)
    {
        _encoder = Register("encoder", options.Encoder.Create(type));
        _decoder = Register("decoder", new UNetDecoder(_encoder.Features, options.DecoderChannels, type));
        _head = Register("segmentation_head", new SegmentationHead(options.DecoderChannels[^1], options.Classes, type));
    }

    /// <inheritdoc />
    public override Encoder Encoder => _encoder;

    /// <inheritdoc />
    protected override Variable Logits(Variable images) => _head.Forward(_decoder.Forward(_encoder.Forward(images)));
}
