namespace CsUnet.Data;

/// <summary>Box blur: the mean over a square.</summary>
/// <param name="Size">The square's side, odd.</param>
public sealed record Blur(int Size) : PixelOperation
{
    internal override void Apply(PixelBuffer buffer, Draws draws)
    {
        Span<float> sums = buffer.BoxSums(Size / 2);
        float scale = 1f / (Size * Size);
        Span<float> levels = buffer.Used;
        for (int i = 0; i < levels.Length; i++)
            levels[i] = sums[i] * scale;
    }

    internal override string ToYaml() => $"{{op: blur, size: {Size}}}";
}
