namespace CsUnet.Data;

/// <summary>A micrograph and its labels.</summary>
public sealed class Sample
{
    /// <summary>Wraps an image and its labels without copying them.</summary>
    /// <exception cref="ArgumentException">The number of labels is not the number of pixels.</exception>
    public Sample(string name, Image image, byte[] labels)
    {
        if (labels.LongLength != (long)image.Height * image.Width)
            throw new ArgumentException($"Sample: {labels.Length} labels for an image of {image}; expected one per pixel", nameof(labels));
        Name = name;
        Image = image;
        Labels = labels;
    }

    /// <summary>The image's file name without its extension.</summary>
    public string Name { get; }

    /// <summary>The micrograph; one channel if it is grey.</summary>
    public Image Image { get; }

    /// <summary>(H, W) labels, <see cref="ClassMap.Ignored"/> for pixels that loss and scores leave out.</summary>
    public byte[] Labels { get; }

    internal long Bytes => Image.Pixels.LongLength + Labels.LongLength;
}
