using CsUnet.Autograd;
using CsUnet.Models.Encoders;
using CsUnet.Nn;
using CsUnet.Tensors;

namespace CsUnet.Models.Networks;

/// <summary>
/// CS-UNet (Alrfou, Zhao, Kordijazi, "Transfer Learning for Microstructure Segmentation with CS-UNet", arXiv 2308.13917): a Swin encoder
/// and a CNN encoder side by side, joined level by level in a Swin decoder. Parameter names are those of the authors' weight files.
/// </summary>
public sealed class CsUnetModel : SegmentationModel
{
    private readonly SwinEncoder _encoder;
    private readonly CnnBranch _cnn;
    private readonly CsUnetDecoder _decoder;

    /// <summary>A network with unset parameters; call <see cref="ModuleExtensions.Initialize"/> or load weights.</summary>
    /// <exception cref="ArgumentException">The options cannot be built.</exception>
    public CsUnetModel(CsUnetOptions options, DType type = DType.Float32) : base(options.Height, options.Width, options.Classes, type)
    {
        options.Validate();
        Options = options;
        _encoder = Register("encoder", new SwinEncoder(options, type));
        _cnn = Register("cnn", new CnnBranch(options.Cnn, type));
        _decoder = Register("decoder", new CsUnetDecoder(options, type));
    }

    /// <summary>The architecture.</summary>
    public CsUnetOptions Options { get; }

    /// <inheritdoc />
    protected override Variable Logits(Variable images)
    {
        var expected = new Shape(images.Shape.Rank == 4 ? images.Shape[0] : 0, Height, Width, 3);
        if (images.Shape != expected)
            throw new Kernels.ShapeException("CsUnet", "images", images.Shape, $"(B,{Height},{Width},3) = the size that the model is built for");
        (Variable x, Variable[] skips) = _encoder.Forward(images);
        return _decoder.Forward(x, skips, _cnn.Encoder.Forward(images));
    }

    /// <summary>The level between <c>cnn</c> and <c>cnn_encoder</c> in the authors' names.</summary>
    private sealed class CnnBranch : Module
    {
        public CnnBranch(ResNetOptions options, DType type) : base(type) =>
            Encoder = Register("cnn_encoder", new ResNetEncoder(options, type));

        public ResNetEncoder Encoder { get; }
    }
}
