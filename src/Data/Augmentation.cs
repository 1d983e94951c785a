using CsUnet.Tensors;

namespace CsUnet.Data;

/// <summary>
/// Crops and augments a training sample. The result depends only on the micrograph, the options and a
/// <see cref="RandomKey"/>. An instance keeps scratch memory: use one per thread.
/// </summary>
public sealed class Augmentation
{
    // Each consumer of random numbers within a step has its own layer number; those of the data are far above any network's.
    private const uint FirstLayer = 0xDA7A_0000;

    // Indices of the geometric draws; the groups' operations follow in blocks.
    private const ulong CropTop = 0, CropLeft = 1, Turns = 2, RotateOrNot = 3, Mirror = 4, Overturn = 5;
    private const ulong FirstGroup = 1UL << 40, GroupSize = 1UL << 40;

    private readonly AugmentationOptions _options;
    private readonly PixelBuffer _buffer = new();

    /// <summary>An augmentation of the given kind.</summary>
    public Augmentation(AugmentationOptions options) => _options = options;

    /// <summary>The key of one entry of the batch of one step.</summary>
    /// <param name="seed">The run's seed.</param>
    /// <param name="step">The step, from 0.</param>
    /// <param name="entry">Index in the batch.</param>
    public static RandomKey Key(ulong seed, int step, int entry) => new(seed, (uint)step, FirstLayer + 1 + (uint)entry);

    /// <summary>The key of the shuffle in one pass over the images.</summary>
    internal static RandomKey ShuffleKey(ulong seed, uint pass) => new(seed, pass, FirstLayer);

    /// <summary>Writes a sample in the network's input format.</summary>
    /// <param name="sample">The micrograph.</param>
    /// <param name="height">Rows of the crop.</param>
    /// <param name="width">Columns of the crop.</param>
    /// <param name="key">The randomness, from <see cref="Key"/>.</param>
    /// <param name="normalisation">The network's normalisation.</param>
    /// <param name="images">(height, width, 3).</param>
    /// <param name="labels">(height, width).</param>
    /// <exception cref="ArgumentException">A span has another size.</exception>
    public void Apply(
        Sample sample, int height, int width, RandomKey key, Normalisation normalisation, Span<float> images, Span<byte> labels)
    {
        if (images.Length != (long)height * width * 3 || labels.Length != (long)height * width)
        {
            throw new ArgumentException(
                $"Augmentation: {images.Length} numbers and {labels.Length} labels; expected {height}x{width}x3 and {height}x{width}",
                nameof(images));
        }
        Fill(sample, height, width, key, labels);
        normalisation.Write(_buffer.Used, _buffer.Channels, images);
    }

    /// <summary>The same sample with levels rounded to bytes, for display.</summary>
    public Sample Apply(Sample sample, int height, int width, RandomKey key)
    {
        byte[] labels = new byte[height * width];
        Fill(sample, height, width, key, labels);
        byte[] pixels = new byte[_buffer.Used.Length];
        for (int i = 0; i < pixels.Length; i++)
            pixels[i] = (byte)(_buffer.Pixels[i] + 0.5f);
        return new Sample(sample.Name, new Image(pixels, height, width, _buffer.Channels), labels);
    }

    private void Fill(Sample sample, int height, int width, RandomKey key, Span<byte> labels)
    {
        Cut(sample, height, width, key, labels);
        for (int i = 0; i < _options.Pixels.Count; i++)
        {
            PixelGroup group = _options.Pixels[i];
            ulong first = FirstGroup + (ulong)i * GroupSize;
            if (key.Uniform(first) < group.Probability)
                group.OneOf[key.Integer(first + 1, group.OneOf.Count)].Apply(_buffer, new Draws(key, first + 2));
        }
    }

    private void Cut(Sample sample, int height, int width, RandomKey key, Span<byte> labels)
    {
        Image image = sample.Image;
        int turns = key.Uniform(RotateOrNot) < _options.Rotate ? key.Integer(Turns, 4) : 0;
        bool mirrored = key.Uniform(Mirror) < _options.FlipHorizontal, overturned = key.Uniform(Overturn) < _options.FlipVertical;
        // For one or three quarter turns the crop has height and width swapped.
        (int cutHeight, int cutWidth) = turns % 2 == 0 ? (height, width) : (width, height);
        int top = Start(key, CropTop, image.Height, cutHeight), left = Start(key, CropLeft, image.Width, cutWidth);
        int channels = image.Channels;
        _buffer.Resize(height, width, channels);
        ReadOnlySpan<byte> pixels = image.Pixels;
        for (int y = 0; y < height; y++)
            for (int x = 0; x < width; x++)
            {
                // result = flips(turned(crop)), so target (y, x) comes from (v, u) of the turned crop ...
                int v = overturned ? height - 1 - y : y, u = mirrored ? width - 1 - x : x;
                // ... which comes from (row, column) of the crop: a quarter turn anticlockwise takes column cutWidth-1-v, row u.
                (int row, int column) = turns switch
                {
                    0 => (v, u),
                    1 => (u, cutWidth - 1 - v),
                    2 => (cutHeight - 1 - v, cutWidth - 1 - u),
                    _ => (cutHeight - 1 - u, v),
                };
                int source = Image.Reflect(top + row, image.Height) * image.Width + Image.Reflect(left + column, image.Width);
                int target = y * width + x;
                labels[target] = sample.Labels[source];
                for (int c = 0; c < channels; c++)
                    _buffer.Pixels[target * channels + c] = pixels[source * channels + c];
            }
    }

    // A crop inside the image; if the image is smaller than the crop, the image is centred in it.
    private static int Start(RandomKey key, ulong number, int length, int crop) =>
        length >= crop ? key.Integer(number, length - crop + 1) : -((crop - length) / 2);
}
