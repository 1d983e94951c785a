using CsUnet.Autograd;
using CsUnet.Models.Encoders;
using CsUnet.Nn;
using CsUnet.Tensors;

namespace CsUnet.Models.Networks;

/// <summary>
/// A network that labels every pixel of an image. Training, evaluation, prediction and checkpoints know networks only as this class.
/// </summary>
public abstract class SegmentationModel : Module
{
    private Precision _precision;

    /// <summary>Creates a network from its options.</summary>
    /// <param name="options">The architecture, which checkpoints store.</param>
    /// <param name="type">Element type of parameters, images and logits.</param>
    /// <exception cref="ArgumentException">The options cannot be built.</exception>
    protected SegmentationModel(ModelOptions options, DType type) : base(type)
    {
        options.Validate();
        Options = options;
    }

    /// <summary>The architecture.</summary>
    public ModelOptions Options { get; }

    /// <summary>Input height in pixels.</summary>
    public int Height => Options.Height;

    /// <summary>Input width in pixels.</summary>
    public int Width => Options.Width;

    /// <summary>Number of classes.</summary>
    public int Classes => Options.Classes;

    /// <summary>The CNN encoder, which pretrained weights can be loaded into; null if the network has none.</summary>
    public virtual Encoder? Encoder => null;

    /// <summary>
    /// The arithmetic between images and logits on a CUDA device. With bf16 everything in between is bfloat16; images, logits and
    /// parameters stay float32. Default: fp32.
    /// </summary>
    /// <exception cref="NotSupportedException">It is not fp32, and the network's parameters are not float32.</exception>
    public Precision Precision
    {
        get => _precision;
        set => _precision = value == Precision.Fp32 || DType == DType.Float32 ? value : throw new NotSupportedException(
            $"precision {value.Label()} needs a network of float32 parameters, this one has {DType.Label()}");
    }

    /// <summary>Computes logits (B, H, W, classes) from normalised images (B, H, W, 3), both of the parameters' element type.</summary>
    /// <exception cref="Kernels.ShapeException">The images do not have the model's size or element type.</exception>
    /// <exception cref="NotSupportedException">The images are on the CPU, and the precision is not fp32.</exception>
    public Variable Forward(Variable images)
    {
        if (images.Value.DType != DType)
            throw new Kernels.ShapeException(GetType().Name, "images", images.Value, $"{DType.Label()} = element type of the model");
        var expected = new Shape(images.Shape.Rank == 4 ? images.Shape[0] : 0, Height, Width, 3);
        if (images.Shape != expected)
            throw new Kernels.ShapeException(
                GetType().Name, "images", images.Shape, $"(B,{Height},{Width},3) = the size that the model is built for");
        using PrecisionScope products = Precision.Use(images.Value.Device);
        if (Precision != Precision.Bf16)
            return Logits(images);
        return Variable.Apply(new Kernels.Cast(DType), Logits(Variable.Apply(new Kernels.Cast(DType.BFloat16), images)));
    }

    /// <summary>Computes logits from images, both of the precision's element type.</summary>
    protected abstract Variable Logits(Variable images);
}
