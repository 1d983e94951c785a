using CsUnet.Autograd;
using CsUnet.Nn;
using CsUnet.Tensors;

namespace CsUnet.Models.Networks;

/// <summary>A network that labels every pixel of an image.</summary>
/// <param name="height">Input height it is built for.</param>
/// <param name="width">Input width it is built for.</param>
/// <param name="classes">Number of classes.</param>
/// <param name="type">Element type of parameters, images and logits.</param>
public abstract class SegmentationModel(int height, int width, int classes, DType type) : Module(type)
{
    private Precision _precision;

    /// <summary>Input height in pixels.</summary>
    public int Height { get; } = height;

    /// <summary>Input width in pixels.</summary>
    public int Width { get; } = width;

    /// <summary>Number of classes.</summary>
    public int Classes { get; } = classes;

    /// <summary>
    /// The arithmetic between images and logits, on a CUDA device. With bf16 everything between them is bfloat16 while images, logits and
    /// parameters stay float32. Default: fp32.
    /// </summary>
    /// <exception cref="NotSupportedException">It is not fp32, and the network's parameters are not float32.</exception>
    public Precision Precision
    {
        get => _precision;
        set => _precision = value == Precision.Fp32 || DType == DType.Float32 ? value : throw new NotSupportedException(
            $"precision {value.Label()} needs a network of float32 parameters, this one has {DType.Label()}");
    }

    /// <summary>Logits (B, H, W, classes) of normalised images (B, H, W, 3), both of the parameters' element type.</summary>
    /// <exception cref="Kernels.ShapeException">The images do not have the model's size or element type.</exception>
    /// <exception cref="NotSupportedException">The images are on the processor, and the precision is not fp32.</exception>
    public Variable Forward(Variable images)
    {
        if (images.Value.DType != DType)
            throw new Kernels.ShapeException(GetType().Name, "images", images.Value, $"{DType.Label()} = element type of the model");
        using PrecisionScope products = Precision.Use(images.Value.Device);
        if (Precision != Precision.Bf16)
            return Logits(images);
        return Variable.Apply(new Kernels.Cast(DType), Logits(Variable.Apply(new Kernels.Cast(DType.BFloat16), images)));
    }

    /// <summary>Logits of images, both of the precision's element type.</summary>
    protected abstract Variable Logits(Variable images);
}
