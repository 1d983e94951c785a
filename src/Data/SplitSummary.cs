using CsUnet.Tensors;

namespace CsUnet.Data;

/// <summary>What the check of a set knows of one split: counts over all its pictures and masks, but no pixels.</summary>
public sealed class SplitSummary
{
    internal SplitSummary(string name, string folder, ClassMap classMap, IReadOnlyList<ImageSummary> images, MaskCounts counts)
    {
        Name = name;
        Folder = folder;
        Images = images;
        ClassPixels = counts.Labels[..classMap.Count].ToArray();
        IgnoredPixels = counts.Labels[ClassMap.Ignored];
        (MaskValue Value, long Pixels)[] defaulted = [.. counts.Defaulted.OrderByDescending(entry => entry.Pixels)
            .ThenBy(entry => (entry.Value.R, entry.Value.G, entry.Value.B))];
        Defaulted = [.. defaulted.Select(entry =>
        {
            (string Class, MaskValue Listed)? near = NearestListed.Of(entry.Value, classMap);
            return new DefaultedValue(entry.Value, entry.Pixels, near?.Class, near?.Listed);
        })];
        DefaultedPixels = defaulted.Sum(entry => entry.Pixels) + counts.Uncounted;
    }

    /// <summary>train, val or test.</summary>
    public string Name { get; }

    /// <summary>The folder of the pictures, or the name of a set in memory.</summary>
    public string Folder { get; }

    /// <summary>The pictures, in the order of their names.</summary>
    public IReadOnlyList<ImageSummary> Images { get; }

    /// <summary>Pixels of each class in all masks, by label.</summary>
    public IReadOnlyList<long> ClassPixels { get; }

    /// <summary>Pixels that loss and scores leave out.</summary>
    public long IgnoredPixels { get; }

    /// <summary>Pixels of values and colours that no class lists and that became the default class.</summary>
    public long DefaultedPixels { get; }

    /// <summary>Those values and colours, the commonest first. Of very many colours the rest is only part of <see cref="DefaultedPixels"/>.
    /// </summary>
    public IReadOnlyList<DefaultedValue> Defaulted { get; }

    /// <summary>Pixels of all masks.</summary>
    public long Pixels => ClassPixels.Sum() + IgnoredPixels;

    /// <summary>Whether a class has a pixel.</summary>
    public bool Has(int label) => ClassPixels[label] > 0;

    /// <summary>A split in memory.</summary>
    internal static SplitSummary Of(MicrographDataset images)
    {
        var total = new MaskCounts();
        var summaries = new ImageSummary[images.Count];
        for (int i = 0; i < summaries.Length; i++)
        {
            Sample sample = images[i];
            total.AddLabels(sample.Labels);
            Image image = sample.Image;
            summaries[i] = ImageSummary.Of(sample.Name, RawImage.Create(image.Pixels, image.Height, image.Width, image.Channels),
                sample.Labels);
        }
        return new SplitSummary(images.Name.Split('/', '\\')[^1], images.Name, images.ClassMap, summaries, total);
    }
}
