namespace CsUnet.Data;

/// <summary>A micrograph and its labels.</summary>
public sealed class Sample
{
    /// <summary>Wraps an image and its labels without copying them.</summary>
    /// <exception cref="ArgumentException">There is not one label per pixel.</exception>
    public Sample(string name, Image image, byte[] labels)
    {
        if (labels.LongLength != (long)image.Height * image.Width)
            throw new ArgumentException($"Sample: {labels.Length} labels for an image of {image}; expected one per pixel", nameof(labels));
        Name = name;
        Image = image;
        Labels = labels;
    }

    /// <summary>The image's file name without its ending.</summary>
    public string Name { get; }

    /// <summary>The micrograph; one channel where it is grey.</summary>
    public Image Image { get; }

    /// <summary>(H, W) labels, <see cref="ClassMap.Ignored"/> where nothing counts.</summary>
    public byte[] Labels { get; }

    internal long Bytes => Image.Pixels.LongLength + Labels.LongLength;
}
