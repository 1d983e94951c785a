using CsUnet.Cuda;
using CsUnet.Data.Formats;

namespace CsUnet.Data;

/// <summary>
/// Image files: reads TIFF, PNG and JPEG, writes PNG. docs/images.md says what becomes of every kind of sample. Every failure is a
/// <see cref="DataException"/>; a damaged file never gives a partial picture.
/// </summary>
public static class ImageFile
{
    /// <summary>The largest image that is decoded: three channels must fit one .NET array.</summary>
    public const long MaxPixels = 700_000_000;

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

    /// <summary>The size of an image and the memory that reading it takes, without decoding it.</summary>
    /// <exception cref="DataException">The file cannot be read, or holds no image that can.</exception>
    public static ImageHeader ReadHeader(string path, long maxPixels = MaxPixels) => Open(path, maxPixels, ImageHeader.Of);

    /// <summary>Reads a picture with the samples of its file: upright, as displayed, without transparency (blended onto black).</summary>
    /// <exception cref="DataException">The file cannot be read, is damaged, is no image that can be read, or is larger than <paramref
    /// name="maxPixels"/>.</exception>
    public static RawImage ReadRaw(string path, long maxPixels = MaxPixels) => Open(path, maxPixels, SampleRules.Picture);

    /// <summary>
    /// Reads a picture and scales its samples to 8 bits by their full range (<see cref="IntensityScale.Full"/>): of 16 bits, 65535 becomes
    /// 255. A trained network reads images by the range of its training images (<see cref="IntensityScale"/>).
    /// </summary>
    /// <returns>One channel for grey files, three for colour.</returns>
    /// <exception cref="DataException">As for <see cref="ReadRaw"/>.</exception>
    public static Image Read(string path, long maxPixels = MaxPixels) => IntensityScale.Full.Apply(ReadRaw(path, maxPixels), path);

    /// <summary>Reads an annotation with its exact samples, upright; opaque alpha is dropped.</summary>
    /// <param name="path">A TIFF or PNG file.</param>
    /// <param name="paletteIndices">For a file with a palette, return the indices instead of the colours.</param>
    /// <param name="maxPixels">Reject larger images.</param>
    /// <exception cref="DataException">As for <see cref="ReadRaw"/>; also if the file is compressed with loss, has transparent pixels, or
    /// samples that are not whole numbers from 0 to 65535.</exception>
    public static MaskImage ReadMask(string path, bool paletteIndices = false, long maxPixels = MaxPixels) =>
        Open(path, maxPixels, decoder => SampleRules.Mask(decoder, paletteIndices));

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

    private static T Open<T>(string path, long maxPixels, Func<IImageDecoder, T> read)
    {
        try
        {
            using ByteSource source = ByteSource.Open(path);
            IImageDecoder decoder = Decoder(source);
            SampleRules.Check(decoder.Facts, maxPixels);
            return read(decoder);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new DataException(path, $"cannot be read: {failure.Message}", ImageProblem.Formats, inner: failure);
        }
    }

    private static IImageDecoder Decoder(ByteSource source)
    {
        Span<byte> start = stackalloc byte[16];
        start = start[..(int)Math.Min(start.Length, source.Length)];
        if (!source.TryRead(0, start))
            throw ImageProblem.Damaged(source.Path, "the file became shorter while it was read");
        if (start.StartsWith(PngWriter.Signature))
            return new PngFile(source.Path, source.ReadAll());
        if (start.StartsWith((ReadOnlySpan<byte>)[0xFF, 0xD8, 0xFF]))
            return new JpegFile(source.Path, source.ReadAll());
        if (start.StartsWith("version https://"u8))
            throw new DataException(source.Path, "this is a Git LFS pointer, not the image", ImageProblem.Formats,
                "fetch the content with git lfs pull");
        return TiffLayout.Read(source) is { } layout
            ? new TiffFile(source, layout)
            : throw new DataException(source.Path, "the content has another format than its name says", ImageProblem.Formats,
                "convert the file");
    }
}
