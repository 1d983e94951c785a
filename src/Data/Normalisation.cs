using CsUnet.Tensors;

namespace CsUnet.Data;

/// <summary>Normalises samples of 0 to 255 for the network: (sample / 255 - mean) / standard deviation, per channel.</summary>
/// <param name="Mean">Mean of red, green, blue, in 0..1.</param>
/// <param name="Deviation">Standard deviation of red, green, blue, in 0..1.</param>
/// <exception cref="InvalidValueException">There are not three of each, or one is out of its range.</exception>
public sealed record Normalisation(IReadOnlyList<float> Mean, IReadOnlyList<float> Deviation)
{
    // Below this, samples that differ by one grey level would be four apart.
    private const float SmallestDeviation = 0.001f;

    /// <summary>Mean of red, green, blue, in 0..1.</summary>
    public IReadOnlyList<float> Mean { get; } = Checked(nameof(Mean), Mean, 0);

    /// <summary>Standard deviation of red, green, blue, in 0.001..1.</summary>
    public IReadOnlyList<float> Deviation { get; } = Checked(nameof(Deviation), Deviation, SmallestDeviation);

    /// <summary>ImageNet's, which pretrained weights expect; (0.485, 0.456, 0.406), (0.229, 0.224, 0.225).</summary>
    public static Normalisation ImageNet { get; } = new([0.485f, 0.456f, 0.406f], [0.229f, 0.224f, 0.225f]);

    /// <summary>The network's input for a whole image.</summary>
    /// <returns>(1, H, W, 3) float32; a grey image fills the three channels.</returns>
    public Tensor ToTensor(Image image)
    {
        Tensor tensor = Tensor.Empty([1, image.Height, image.Width, 3]);
        WriteTile(image, 0, 0, image.Height, image.Width, tensor.AsSpan<float>());
        return tensor;
    }

    /// <summary>The network's input for a tile. Beyond the image's border the image is padded by
    /// reflection.</summary>
    /// <param name="image">The whole image.</param>
    /// <param name="top">The tile's first row.</param>
    /// <param name="left">The tile's first column.</param>
    /// <param name="height">The tile's rows.</param>
    /// <param name="width">The tile's columns.</param>
    /// <param name="target">(height, width, 3).</param>
    /// <exception cref="ArgumentException">The target has another size.</exception>
    public void WriteTile(Image image, int top, int left, int height, int width, Span<float> target)
    {
        if (target.Length != (long)height * width * 3)
            throw new ArgumentException($"WriteTile: target holds {target.Length} numbers; expected {height}x{width}x3", nameof(target));
        float[] table = Table();
        int channels = image.Channels, step = channels == 3 ? 1 : 0, next = 0;
        for (int y = 0; y < height; y++)
        {
            long row = (long)Image.Reflect(top + y, image.Height) * image.Width;
            for (int x = 0; x < width; x++)
            {
                // target[y,x,c] = table[c][image[reflect(top+y), reflect(left+x), c]]
                long source = (row + Image.Reflect(left + x, image.Width)) * channels;
                target[next++] = table[image.Pixels[source]];
                target[next++] = table[256 + image.Pixels[source + step]];
                target[next++] = table[512 + image.Pixels[source + 2 * step]];
            }
        }
    }

    /// <summary>The network's input for augmented samples, which are fractional.</summary>
    /// <param name="pixels">(pixels, channels) of 0 to 255.</param>
    /// <param name="channels">1 or 3.</param>
    /// <param name="target">(pixels, 3).</param>
    internal void Write(ReadOnlySpan<float> pixels, int channels, Span<float> target)
    {
        int count = pixels.Length / channels, step = channels == 3 ? 1 : 0;
        for (int c = 0; c < 3; c++)
        {
            float scale = 1 / (255 * Deviation[c]), offset = -Mean[c] / Deviation[c];
            for (int i = 0; i < count; i++)
                target[3 * i + c] = pixels[i * channels + c * step] * scale + offset;
        }
    }

    private static IReadOnlyList<float> Checked(string name, IReadOnlyList<float> values, float least) =>
        values.Count == 3 && values.All(value => value >= least && value <= 1)
            ? values
            : throw new InvalidValueException(name, $"{name.ToLowerInvariant()} is ({string.Join(", ", values.Take(4))})",
                FormattableString.Invariant($"three numbers from {least} to 1"));

    private float[] Table()
    {
        float[] table = new float[3 * 256];
        for (int c = 0; c < 3; c++)
        {
            float scale = 1 / (255 * Deviation[c]), offset = -Mean[c] / Deviation[c];
            for (int value = 0; value < 256; value++)
                table[c * 256 + value] = value * scale + offset;
        }
        return table;
    }
}
