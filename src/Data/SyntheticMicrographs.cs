using CsUnet.Tensors;

namespace CsUnet.Data;

/// <summary>
/// Synthetic micrographs of a nickel superalloy with exact masks, in the classes of <see cref="ClassMap.NasaSuper"/>: a matrix,
/// large cuboidal secondary precipitates grown into each other (about 47 % of the area), and clusters of small round tertiary ones
/// (about 2.5 %). Contrast, bright rims, shading, scratches and noise follow NASA's images: precipitates are 10 to 30 levels darker
/// than the matrix, with noise of about 5. The images depend only on the seed.
/// </summary>
public static class SyntheticMicrographs
{
    /// <summary>The smallest height and width; smaller images cannot meet the area fractions.</summary>
    public const int SmallestSize = 64;

    private const byte Matrix = 0, Secondary = 1, Tertiary = 2;
    private const uint Layer = 0x5E7B_0000;
    private static readonly string[] s_splits = ["train", "val", "test"];

    /// <summary>Generates images with labels.</summary>
    /// <param name="count">Number of images.</param>
    /// <param name="height">Rows, at least <see cref="SmallestSize"/>.</param>
    /// <param name="width">Columns, at least <see cref="SmallestSize"/>.</param>
    /// <param name="seed">Image i of a seed does not depend on the count.</param>
    /// <exception cref="ArgumentOutOfRangeException">The count is negative, or a size too small.</exception>
    public static IReadOnlyList<Sample> Generate(int count, int height, int width, ulong seed) =>
        Generate(count, height, width, seed, Layer, "synthetic");

    /// <summary>A split in memory; the splits of one seed share no image.</summary>
    /// <param name="split"><c>train</c>, <c>val</c> or <c>test</c>.</param>
    /// <param name="count">Number of images, at least one.</param>
    /// <param name="height">Rows.</param>
    /// <param name="width">Columns.</param>
    /// <param name="seed">The seed of the whole set.</param>
    /// <exception cref="ArgumentException">The split is unknown, the count is below 1, or a size is too small.</exception>
    public static MicrographDataset CreateDataset(string split, int count, int height, int width, ulong seed)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        int number = Array.IndexOf(s_splits, split);
        if (number < 0)
            throw new ArgumentException($"SyntheticMicrographs: split '{split}'; expected train, val or test", nameof(split));
        return MicrographDataset.FromSamples(
            $"synthetic/{split}", ClassMap.NasaSuper, Generate(count, height, width, seed, Layer + 1 + (uint)number, split));
    }

    /// <summary>Writes a data set in NASA's layout and colours: <c>SPLIT/NAME.png</c> with
    /// <c>SPLIT_annot/NAME_mask.png</c>.</summary>
    /// <param name="directory">The folder; created if missing.</param>
    /// <param name="train">Number of training images.</param>
    /// <param name="validation">Number of validation images.</param>
    /// <param name="test">Number of test images.</param>
    /// <param name="height">Rows.</param>
    /// <param name="width">Columns.</param>
    /// <param name="seed">The same images as <see cref="CreateDataset"/> generates for this seed.</param>
    /// <exception cref="DataException">A file cannot be written.</exception>
    public static void WriteTo(string directory, int train, int validation, int test, int height, int width, ulong seed)
    {
        int[] counts = [train, validation, test];
        for (int split = 0; split < s_splits.Length; split++)
        {
            // One image at a time, so that a large set needs little memory.
            for (int i = 0; i < counts[split]; i++)
            {
                Sample sample = Make(i, height, width, seed, Layer + 1 + (uint)split, s_splits[split]);
                ImageFile.WritePng(Path.Combine(directory, s_splits[split], $"{sample.Name}.png"), sample.Image);
                Image mask = Overlay.Blend(sample.Image, sample.Labels, ClassMap.NasaSuper, opacity: 1, clearLabel: Matrix);
                ImageFile.WritePng(Path.Combine(directory, $"{s_splits[split]}_annot", $"{sample.Name}{ClassMap.NasaSuper.MaskSuffix}.png"),
                    mask);
            }
        }
    }

    private static Sample[] Generate(int count, int height, int width, ulong seed, uint layer, string name)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        var samples = new Sample[count];
        // Each image depends only on its own number, so the order of the threads does not matter.
        Workers.Run(count, i => samples[i] = Make(i, height, width, seed, layer, name));
        return samples;
    }

    private static Sample Make(int index, int height, int width, ulong seed, uint layer, string name)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(height, SmallestSize);
        ArgumentOutOfRangeException.ThrowIfLessThan(width, SmallestSize);
        var random = new RandomStream(new RandomKey(seed, (uint)index, layer));
        var microstructure = new Microstructure(height, width, random);
        return new Sample($"{name}_{index:d4}", Photograph(microstructure, random), microstructure.Labels);
    }

    private static Image Photograph(Microstructure structure, RandomStream random)
    {
        int height = structure.Height, width = structure.Width;
        float matrix = random.Between(125, 195), secondaryDepth = random.Between(14, 20),
            tertiaryDepth = secondaryDepth + random.Between(13, 17);
        float rim = random.Between(9, 15), rimWidth = random.Between(4, 7);
        float[] levels = new float[height * width];
        for (int i = 0; i < levels.Length; i++)
        {
            // The matrix is brightest next to a secondary precipitate, which has depleted it of light elements.
            levels[i] = matrix + structure.Labels[i] switch
            {
                Secondary => -secondaryDepth + 4,
                Tertiary => -tertiaryDepth + 4,
                _ => rim * MathF.Exp(-structure.Distance[i] / rimWidth),
            };
        }
        AddScratches(levels, height, width, random);
        Blur(levels, height, width);

        // Shading: a gradient across the field, clouds, and polishing streaks along one direction.
        float slope = random.Between(0, 10), slopeAngle = random.Between(0, 2 * MathF.PI), streakAngle = random.Between(0, MathF.PI);
        var clouds = new ValueNoise(random.NextKey(), 70, 70, 0);
        var grain = new ValueNoise(random.NextKey(), 14, 14, 0);
        var streaks = new ValueNoise(random.NextKey(), 50, 2.5f, streakAngle);
        RandomKey noise = random.NextKey();
        float sigma = random.Between(3.2f, 4.5f);
        byte[] pixels = new byte[levels.Length];
        for (int y = 0; y < height; y++)
            for (int x = 0; x < width; x++)
            {
                int i = y * width + x;
                float ramp = slope * (MathF.Cos(slopeAngle) * (x / (float)width - 0.5f)
                    + MathF.Sin(slopeAngle) * (y / (float)height - 0.5f));
                float texture = 7 * clouds[y, x] + 4 * grain[y, x] + 3 * streaks[y, x];
                float level = levels[i] + ramp + texture + sigma * (float)noise.Normal((ulong)i);
                pixels[i] = (byte)Math.Clamp(level + 0.5f, 0, 255);
            }
        return new Image(pixels, height, width, 1);
    }

    private static void AddScratches(float[] levels, int height, int width, RandomStream random)
    {
        int count = random.Integer(2, 7);
        for (int scratch = 0; scratch < count; scratch++)
        {
            float y = random.Between(0, height), x = random.Between(0, width), angle = random.Between(0, 2 * MathF.PI);
            float length = random.Between(40, 300), depth = random.Between(-9, 14), bend = random.Between(-0.002f, 0.002f);
            for (float s = 0; s < length; s++, angle += bend)
            {
                (y, x) = (y + MathF.Sin(angle), x + MathF.Cos(angle));
                if ((int)y >= 0 && (int)y < height && (int)x >= 0 && (int)x < width && y >= 0 && x >= 0)
                    levels[(int)y * width + (int)x] += depth;
            }
        }
    }

    // The width of the microscope's beam: the kernel (1 2 1)/4 along both axes.
    private static void Blur(float[] levels, int height, int width)
    {
        float[] rows = new float[levels.Length];
        for (int y = 0; y < height; y++)
            for (int x = 0; x < width; x++)
            {
                int row = y * width;
                rows[row + x] = (levels[row + Math.Max(x - 1, 0)] + 2 * levels[row + x] + levels[row + Math.Min(x + 1, width - 1)]) / 4;
            }
        for (int y = 0; y < height; y++)
            for (int x = 0; x < width; x++)
                levels[y * width + x] = (rows[Math.Max(y - 1, 0) * width + x] + 2 * rows[y * width + x]
                    + rows[Math.Min(y + 1, height - 1) * width + x]) / 4;
    }
}
