using CsUnet.Autograd;
using CsUnet.Tensors;

namespace CsUnet.Models;

/// <summary>A network that labels every pixel of an image.</summary>
/// <param name="height">Input height it is built for.</param>
/// <param name="width">Input width it is built for.</param>
/// <param name="classes">Number of classes.</param>
/// <param name="type">Element type.</param>
public abstract class SegmentationModel(int height, int width, int classes, DType type) : Module(type)
{
    /// <summary>Input height in pixels.</summary>
    public int Height { get; } = height;

    /// <summary>Input width in pixels.</summary>
    public int Width { get; } = width;

    /// <summary>Number of classes.</summary>
    public int Classes { get; } = classes;

    /// <summary>Logits (B, H, W, classes) of normalised images (B, H, W, 3).</summary>
    /// <exception cref="Kernels.ShapeException">The images do not have the model's size.</exception>
    public abstract Variable Forward(Variable images);
}
