using CsUnet.Autograd;
using CsUnet.Models.Encoders;
using CsUnet.Nn;
using CsUnet.Tensors;

namespace CsUnet.Models.Networks;

/// <summary>
/// CS-UNet (Alrfou, Zhao, Kordijazi, "Transfer Learning for Microstructure Segmentation with CS-UNet", arXiv 2308.13917): a Swin encoder
/// and a CNN encoder in parallel; a Swin decoder combines them level by level. Parameter names are those of the authors' weight files.
/// </summary>
public sealed class CsUnetModel : SegmentationModel
{
    private readonly SwinEncoder _encoder;
    private readonly CnnEncoder _cnn;
    private readonly CsUnetDecoder _decoder;

    /// <summary>Creates a network with unset parameters; call <see cref="ModuleExtensions.Initialize"/> or load weights.</summary>
    /// <exception cref="ArgumentException">The options cannot be built.</exception>
    public CsUnetModel(CsUnetOptions options, DType type = DType.Float32) : base(options, type)
    {
        _encoder = Register("encoder", new SwinEncoder(options.Swin, type));
        _cnn = Register("cnn", new CnnEncoder(options.Cnn, type));
        _decoder = Register("decoder", new CsUnetDecoder(options.Swin, _cnn.Channels, options.Classes, type));
    }

    /// <inheritdoc />
    public override Encoder Encoder => _cnn.Encoder;

    /// <inheritdoc />
    protected override Variable Logits(Variable images)
    {
        (Variable x, Variable[] skips) = _encoder.Forward(images);
        return _decoder.Forward(x, skips, _cnn.Forward(images));
    }
}
