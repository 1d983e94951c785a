using CsUnet.Data;

namespace CsUnet.Tests.Support;

/// <summary>A data set of bright discs on dark, noisy ground, with masks whose values a test chooses.</summary>
internal sealed class DiscSet : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public string Path => _folder.Path;

    public string File(string name) => _folder.File(name);

    /// <summary>A picture of a seed: other discs for every seed. Samples are gain x level + offset.</summary>
    public static Image Picture(int seed, int size = 64, double gain = 1, double offset = 0)
    {
        byte[] labels = Labels(seed, size), pixels = new byte[labels.Length];
        var random = new Random(seed);
        for (int i = 0; i < pixels.Length; i++)
            pixels[i] = (byte)Math.Clamp(gain * ((labels[i] == 1 ? 160 : 60) + random.Next(30)) + offset, 0, 255);
        return new Image(pixels, size, size, 1);
    }

    /// <summary>Labels of a seed's picture: 1 in the discs, else 0.</summary>
    public static byte[] Labels(int seed, int size = 64)
    {
        var random = new Random(1000 + seed);
        byte[] labels = new byte[size * size];
        for (int disc = 0; disc < 8; disc++)
        {
            (int y, int x, int r) = (random.Next(size), random.Next(size), random.Next(size / 16, size / 6));
            for (int i = 0; i < labels.Length; i++)
                if ((i / size - y) * (i / size - y) + (i % size - x) * (i % size - x) < r * r)
                    labels[i] = 1;
        }
        return labels;
    }

    /// <summary>Adds the picture of a seed and its mask with a grey value for each label.</summary>
    public DiscSet Add(string split, int seed, byte ground, byte disc, int size = 64) =>
        Add(split, $"im{seed}", Picture(seed, size), [.. Labels(seed, size).Select(label => label == 1 ? disc : ground)]);

    /// <summary>Adds a picture and a grey mask.</summary>
    public DiscSet Add(string split, string name, Image picture, byte[] mask)
    {
        ImageFile.WritePng(File($"{split}/{name}.png"), picture);
        ImageFile.WritePng(File($"{split}_annot/{name}.png"), new Image(mask, picture.Height, picture.Width, 1));
        return this;
    }

    /// <summary>Adds the picture of a seed and its mask in colours; the ground is black.</summary>
    public DiscSet Add(string split, int seed, Func<int, Rgb> colourOfDisc)
    {
        Image picture = Picture(seed);
        byte[] labels = Labels(seed), mask = new byte[3 * labels.Length];
        for (int i = 0, disc = 0; i < labels.Length; i++)
            if (labels[i] == 1)
            {
                Rgb colour = colourOfDisc(disc++);
                (mask[3 * i], mask[3 * i + 1], mask[3 * i + 2]) = (colour.R, colour.G, colour.B);
            }
        ImageFile.WritePng(File($"{split}/im{seed}.png"), picture);
        ImageFile.WritePng(File($"{split}_annot/im{seed}.png"), new Image(mask, picture.Height, picture.Width, 3));
        return this;
    }

    /// <summary>The check of the splits that are there.</summary>
    public DatasetCheck Check(ClassMap map)
    {
        SplitSummary? Open(string split) =>
            Directory.Exists(File($"{split}_annot")) ? MicrographDataset.Open(Path, split, map).Summary : null;
        return DatasetCheck.Of(map, Open("train"), Open("val"), Open("test"));
    }

    public void Dispose() => _folder.Dispose();
}
