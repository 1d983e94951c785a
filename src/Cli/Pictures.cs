using CsUnet.Data;

namespace CsUnet.Cli;

/// <summary>The pictures that the program writes; each file is there whole or not at all.</summary>
internal static class Pictures
{
    // Examples are shown a third of a page wide: a larger cut-out would only make the report large.
    private const int LargestExample = 512;

    /// <summary>A label map as an indexed PNG: pixel values are class numbers, the palette holds the display colours.</summary>
    public static void SaveLabels(string path, byte[] labels, int height, int width, ClassMap classMap) =>
        ImageFile.WriteLabelPng(path, labels, height, width, classMap.Palette);

    /// <summary>The classes in colour over the micrograph.</summary>
    public static void SaveOverlay(string path, Image image, byte[] labels, ClassMap classMap) =>
        ImageFile.WritePng(path, Overlay.Blend(image, labels, classMap));

    /// <summary>An image, its truth and its prediction for the report: their middle, if they are large.</summary>
    public static void SaveExample(string folder, Sample sample, byte[] prediction, ClassMap classMap)
    {
        (Image image, byte[] truth, byte[] predicted) = Middle(sample.Image, sample.Labels, prediction);
        string stem = Path.Combine(folder, sample.Name);
        ImageFile.WritePng($"{stem}_image.png", image);
        SaveOverlay($"{stem}_truth.png", image, truth, classMap);
        SaveOverlay($"{stem}_prediction.png", image, predicted, classMap);
    }

    private static (Image Image, byte[] Truth, byte[] Prediction) Middle(Image image, byte[] truth, byte[] prediction)
    {
        int height = Math.Min(image.Height, LargestExample), width = Math.Min(image.Width, LargestExample);
        if (height == image.Height && width == image.Width)
            return (image, truth, prediction);
        int top = (image.Height - height) / 2, left = (image.Width - width) / 2;
        byte[] Cut(byte[] source, int channels)
        {
            var target = new byte[height * width * channels];
            for (int y = 0; y < height; y++)
                source.AsSpan(((top + y) * image.Width + left) * channels, width * channels).CopyTo(target.AsSpan(y * width * channels));
            return target;
        }
        return (new Image(Cut(image.Pixels, image.Channels), height, width, image.Channels), Cut(truth, 1), Cut(prediction, 1));
    }
}
