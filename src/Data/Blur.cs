using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

namespace CsUnet.Data;

/// <summary>Box blur: the mean over a square.</summary>
/// <param name="Size">The square's side, odd.</param>
public sealed record Blur(int Size) : PixelOperation
{
    internal override void Apply(PixelBuffer buffer, Draws draws)
    {
        TensorPrimitives.Multiply(buffer.BoxSums(Size / 2), 1f / (Size * Size), buffer.Used);
    }

    internal override string ToYaml() => $"{{op: blur, size: {Size}}}";
}
