using CsUnet.Cuda;
using CsUnet.Data;

namespace CsUnet.Cli;

/// <summary>The images that the program writes; each file is written completely or not at all.</summary>
internal static class Pictures
{
    // The report shows examples a third of a page wide. A larger crop would only make the report larger.
    private const int LargestExample = 512;

    /// <summary>
    /// Saves a label map as an indexed PNG, whose pixel values are class numbers and whose palette contains the display colours, and the
    /// micrograph with the classes overlaid in colour: both or, if one cannot be written, none. Ignored pixels have the value 255 in the
    /// label map and are black there.
    /// </summary>
    public static void SavePrediction(string labelPath, string overlayPath, Image image, byte[] labels, ClassMap classMap)
    {
        bool isWhole = !labels.AsSpan().Contains(ClassMap.Ignored);
        IReadOnlyList<Rgb> palette = isWhole ? classMap.Palette
            : [.. classMap.Palette, .. Enumerable.Repeat(Overlay.IgnoredColour, ClassMap.Ignored + 1 - classMap.Count)];
        PredictionFiles.Write(labelPath, labels, palette, overlayPath, Overlay.Blend(image, labels, classMap));
    }

    /// <summary>Saves the micrograph with the classes overlaid in colour.</summary>
    public static void SaveOverlay(string path, Image image, byte[] labels, ClassMap classMap) =>
        ImageFile.WritePng(path, Overlay.Blend(image, labels, classMap));

    /// <summary>Saves an image, its truth and its prediction for the report, cropped to the centre if they are large.</summary>
    public static void SaveExample(string folder, Sample sample, byte[] prediction, ClassMap classMap)
    {
        (Image image, byte[] truth, byte[] predicted) = Middle(sample.Image, sample.Labels, prediction);
        string stem = Path.Combine(folder, sample.Name);
        string[] files = [$"{stem}_image.png", $"{stem}_truth.png", $"{stem}_prediction.png"];
        // What a killed process has left of them.
        foreach (string left in Directory.Exists(folder) ? Directory.GetFiles(folder, "*.tmp") : [])
            if (AtomicFile.TargetOf(Path.GetFileName(left)) is { } target && files.Contains(Path.Combine(folder, target)))
                AtomicFile.DeleteIfAbandoned(left);
        ImageFile.WritePng(files[0], image);
        SaveOverlay(files[1], image, truth, classMap);
        SaveOverlay(files[2], image, predicted, classMap);
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
