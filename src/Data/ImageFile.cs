using CsUnet.Cuda;
using NetVips;
using VipsImage = NetVips.Image;

namespace CsUnet.Data;

/// <summary>
/// Image files, by libvips: reads TIFF (8 and 16 bit; grey, RGB, with or without alpha), PNG and JPEG, writes PNG. Every failure is a
/// <see cref="DataException"/>; a damaged file never gives a partial picture.
/// </summary>
public static class ImageFile
{
    /// <summary>The largest image that is decoded: three channels must fit one .NET array.</summary>
    public const long MaxPixels = 700_000_000;

    private const string Formats = "a TIFF, PNG or JPEG image";

    // Keeps the delegate alive as long as native code may call it.
    private static readonly Log.LogDelegate s_silence = static (_, _, _) => { };
    private static readonly Lazy<bool> s_library = new(Configure);

    /// <summary>The extensions of image files, in lower case.</summary>
    public static IReadOnlyList<string> Extensions { get; } = [".tif", ".tiff", ".png", ".jpg", ".jpeg"];

    /// <summary>Whether a file's name has an image extension and is not hidden.</summary>
    public static bool IsImageName(string path)
    {
        string name = Path.GetFileName(path);
        return !name.StartsWith('.') && Extensions.Contains(Path.GetExtension(name).ToLowerInvariant());
    }

    /// <summary>The image files of an argument: the file itself, or all images of a folder, ordered by name.</summary>
    /// <exception cref="DataException">The file or folder does not exist, or the folder has no images.</exception>
    public static IReadOnlyList<string> Find(string fileOrDirectory)
    {
        if (File.Exists(fileOrDirectory))
            return [fileOrDirectory];
        if (!Directory.Exists(fileOrDirectory))
            throw new DataException(fileOrDirectory, "no such file or folder", "an image file or a folder of images");
        string[] files = [.. Directory.EnumerateFiles(fileOrDirectory).Where(IsImageName).Order(StringComparer.Ordinal)];
        if (files.Length == 0)
            throw new DataException(fileOrDirectory, "the folder has no images", $"files ending in {string.Join(", ", Extensions)}");
        return files;
    }

    /// <summary>
    /// Reads an image. 16-bit samples are scaled to 8 bits (65535 becomes 255), opaque alpha is dropped, and transparent pixels are blended
    /// onto black. Of a TIFF with a preview page, the first page is read.
    /// </summary>
    /// <returns>One channel for grey files, three for colour.</returns>
    /// <exception cref="DataException">The file cannot be read, is damaged, is not such an image, or is larger than <paramref
    /// name="maxPixels"/>.</exception>
    public static Image Read(string path, long maxPixels = MaxPixels)
    {
        (ushort[]? wide, byte[]? narrow, int height, int width, int bands) = Decode(path, maxPixels, mask: false);
        byte[] samples = narrow ?? new byte[wide!.Length];
        if (wide is not null)
            for (int i = 0; i < samples.Length; i++)
                samples[i] = (byte)((wide[i] + 128) / 257);
        if (bands is 1 or 3)
            return new Image(samples, height, width, bands);
        int channels = bands - 1, pixels = height * width;
        byte[] flat = new byte[pixels * channels];
        for (int i = 0; i < pixels; i++)
        {
            int alpha = samples[i * bands + channels];
            for (int c = 0; c < channels; c++)
                flat[i * channels + c] = (byte)((samples[i * bands + c] * alpha + 127) / 255);
        }
        return new Image(flat, height, width, channels);
    }

    /// <summary>
    /// Reads an image with the samples of its file; opaque alpha is dropped, and transparent pixels are blended onto black.
    /// </summary>
    /// <exception cref="DataException">As for <see cref="Read"/>.</exception>
    public static RawImage ReadRaw(string path, long maxPixels = MaxPixels)
    {
        (ushort[]? wide, byte[]? narrow, int height, int width, int bands) = Decode(path, maxPixels, mask: false);
        if (bands is 1 or 3)
            return wide is null ? RawImage.Create(narrow!, height, width, bands) : RawImage.Create(wide, height, width, bands);
        int channels = bands - 1, pixels = height * width;
        byte[] flat = new byte[wide is null ? pixels * channels : 0];
        ushort[] flatWide = new ushort[wide is null ? 0 : pixels * channels];
        for (int i = 0; i < pixels; i++)
            for (int c = 0; c < channels; c++)
                if (wide is null)
                    flat[i * channels + c] = (byte)((narrow![i * bands + c] * narrow[i * bands + channels] + 127) / 255);
                else
                    flatWide[i * channels + c] = (ushort)(((long)wide[i * bands + c] * wide[i * bands + channels] + 32767) / 65535);
        return wide is null ? RawImage.Create(flat, height, width, channels) : RawImage.Create(flatWide, height, width, channels);
    }

    /// <summary>Reads an annotation with its exact samples; opaque alpha is dropped.</summary>
    /// <param name="path">A TIFF or PNG file.</param>
    /// <param name="paletteIndices">For a PNG with a palette, return the indices instead of the colours.</param>
    /// <param name="maxPixels">Reject larger images.</param>
    /// <exception cref="DataException">As for <see cref="Read"/>; also if the file is a JPEG or has transparent pixels.</exception>
    public static MaskImage ReadMask(string path, bool paletteIndices = false, long maxPixels = MaxPixels)
    {
        (ushort[]? wide, byte[]? narrow, int height, int width, int bands) = Decode(path, maxPixels, mask: true, paletteIndices);
        int channels = bands is 1 or 3 ? bands : bands - 1, bits = wide is null ? 8 : 16, pixels = height * width;
        if (wide is not null && bands == channels)
            return new MaskImage(wide, height, width, channels, bits);
        ushort[] samples = new ushort[pixels * channels];
        int opaque = (1 << bits) - 1;
        for (int i = 0; i < pixels; i++)
        {
            for (int c = 0; c < channels; c++)
                samples[i * channels + c] = wide is null ? narrow![i * bands + c] : wide[i * bands + c];
            if (bands != channels && (wide is null ? narrow![i * bands + channels] : wide[i * bands + channels]) != opaque)
                throw new DataException(path, $"the mask is transparent at row {i / width}, column {i % width}", "opaque pixels",
                    "flatten the layers and save it again");
        }
        return new MaskImage(samples, height, width, channels, bits);
    }

    /// <summary>Writes an image as PNG, grey or RGB, atomically.</summary>
    /// <exception cref="DataException">The file cannot be written.</exception>
    public static void WritePng(string path, Image image) => Replace(path, stream => PngWriter.WriteImage(stream, image));

    /// <summary>Writes a label map as a PNG with a palette, atomically. The palette indices are the
    /// labels.</summary>
    /// <param name="path">Where to.</param>
    /// <param name="labels">(H, W).</param>
    /// <param name="height">Rows.</param>
    /// <param name="width">Columns.</param>
    /// <param name="palette">The colour of each label, at most 256.</param>
    /// <exception cref="ArgumentException">A label has no colour, or their number is not height x width.</exception>
    /// <exception cref="DataException">The file cannot be written.</exception>
    public static void WriteLabelPng(string path, ReadOnlySpan<byte> labels, int height, int width, IReadOnlyList<Rgb> palette)
    {
        if (labels.Length != (long)height * width || palette.Count is < 1 or > 256)
            throw new ArgumentException($"WriteLabelPng: {labels.Length} labels and {palette.Count} colours for {height}x{width} pixels",
                nameof(labels));
        int largest = 0;
        foreach (byte label in labels)
            largest = Math.Max(largest, label);
        if (largest >= palette.Count)
            throw new ArgumentException($"WriteLabelPng: label {largest} has no colour, the palette holds {palette.Count}",
                nameof(palette));
        byte[] copy = labels.ToArray();
        Replace(path, stream => PngWriter.WriteIndexed(stream, copy, height, width, palette));
    }

    private static void Replace(string path, Action<Stream> write)
    {
        string full = Path.GetFullPath(path);
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(full)!);
            AtomicFile.Write(full, write);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new DataException(path, $"cannot be written: {failure.Message}", "a writable folder with free space", inner: failure);
        }
    }

    private static bool Configure()
    {
        // Without this, libvips returns cached pixels after a file has changed.
        Cache.Max = 0;
        Log.SetLogHandler("VIPS", Enums.LogLevelFlags.All, s_silence);
        return true;
    }

    private static (ushort[]? Wide, byte[]? Narrow, int Height, int Width, int Bands) Decode(
        string path, long maxPixels, bool mask, bool paletteIndices = false)
    {
        try
        {
            CheckFormat(path, mask, out bool png);
            _ = s_library.Value;
            int bits = 8;
            byte[]? indexed = paletteIndices && png ? PngWriter.WithoutPalette(File.ReadAllBytes(path), out bits) : null;
            using Source? source = indexed is null ? Source.NewFromFile(path) : null;
            using VipsImage image = indexed is null
                ? VipsImage.NewFromSource(source!, access: Enums.Access.Sequential, failOn: Enums.FailOn.Error)
                : VipsImage.NewFromBuffer(indexed, failOn: Enums.FailOn.Error);
            CheckImage(path, image, maxPixels);
            if (image.Format == Enums.BandFormat.Ushort)
                return (image.WriteToMemory<ushort>(), null, image.Height, image.Width, image.Bands);
            byte[] samples = image.WriteToMemory<byte>();
            if (bits < 8)
                for (int i = 0; i < samples.Length; i++)
                    samples[i] = (byte)(samples[i] * ((1 << bits) - 1) / 255);
            return (null, samples, image.Height, image.Width, image.Bands);
        }
        catch (VipsException failure)
        {
            throw new DataException(path, $"cannot be decoded ({OneLine(failure.Message)})", Formats,
                "the file is damaged or truncated: restore it", failure);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new DataException(path, $"cannot be read: {failure.Message}", Formats, inner: failure);
        }
        catch (Exception failure) when (failure is TypeInitializationException or DllNotFoundException)
        {
            throw new DataException(path, "the image library libvips cannot be loaded", "its native library beside the program",
                "rebuild for this system (linux-x64 or win-x64)", failure);
        }
    }

    private static void CheckFormat(string path, bool mask, out bool png)
    {
        Span<byte> start = stackalloc byte[16];
        int length;
        using (FileStream stream = new(path, FileMode.Open, FileAccess.Read, FileShare.Read))
            length = stream.ReadAtLeast(start, start.Length, throwOnEndOfStream: false);
        start = start[..length];
        png = start.Length > 3 && start[0] == 0x89 && start[1..].StartsWith("PNG"u8);
        bool tiff = start.StartsWith("II*\0"u8) || start.StartsWith("MM\0*"u8) || start.StartsWith("II+\0"u8)
            || start.StartsWith("MM\0+"u8);
        bool jpeg = start.Length > 2 && start[0] == 0xFF && start[1] == 0xD8 && start[2] == 0xFF;
        if (length == 0)
            throw new DataException(path, "the file is empty", Formats);
        if (start.StartsWith("version https://"u8))
            throw new DataException(path, "this is a Git LFS pointer, not the image", Formats, "fetch the content with git lfs pull");
        if (!png && !tiff && !jpeg)
            throw new DataException(path, "the content has another format than its name says", Formats, "convert the file");
        // Lossy compression changes the values that define the classes.
        if (mask && jpeg)
            throw new DataException(path, "the mask is a JPEG, whose compression changes class values", "a TIFF or PNG mask",
                "export it again without lossy compression");
    }

    private static void CheckImage(string path, VipsImage image, long maxPixels)
    {
        long pixels = (long)image.Width * image.Height;
        if (pixels > maxPixels || pixels * image.Bands > Array.MaxLength)
            throw new DataException(path, $"the image has {image.Height}x{image.Width} pixels", $"at most {maxPixels} pixels",
                "cut it into smaller images");
        if (image.Format is not (Enums.BandFormat.Uchar or Enums.BandFormat.Ushort))
            throw new DataException(path, $"samples are of type {image.Format.ToString().ToLowerInvariant()}",
                "8-bit or 16-bit unsigned samples", "convert the file");
        bool colours = image.Interpretation is Enums.Interpretation.Bw or Enums.Interpretation.Grey16 or Enums.Interpretation.Srgb
            or Enums.Interpretation.Rgb or Enums.Interpretation.Rgb16 or Enums.Interpretation.Multiband;
        if (!colours || image.Bands > 4)
            throw new DataException(path, $"the image has {image.Bands} channels of {image.Interpretation}",
                "grey or RGB, with or without alpha", "convert the file");
        if (image.Contains("n-pages") && Convert.ToInt32(image.Get("n-pages")) > 1 && SecondPageIsAnotherImage(path, image))
            throw new DataException(path, $"the file is a stack of {image.Get("n-pages")} images", "one image per file",
                "save the images one by one");
    }

    // A smaller second page is a preview, as written by some microscopes and GIMP; a page of the same size is a second image.
    private static bool SecondPageIsAnotherImage(string path, VipsImage first)
    {
        using Source source = Source.NewFromFile(path);
        using VipsImage second = VipsImage.TiffloadSource(source, page: 1, failOn: Enums.FailOn.Error);
        return second.Width == first.Width && second.Height == first.Height;
    }

    private static string OneLine(string message) =>
        string.Join(", ", message.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Distinct());
}
