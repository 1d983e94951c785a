using CsUnet.Cuda;

namespace CsUnet.Data;

/// <summary>The two PNG files of a prediction.</summary>
public static class PredictionFiles
{
    /// <summary>
    /// Writes both files. Each is complete before one gets its name, so a full disk leaves neither a label map without its overlay nor the
    /// reverse.
    /// </summary>
    /// <param name="labelPath">The label map: an indexed PNG, whose palette indices are the labels.</param>
    /// <param name="labels">(H, W), as many as the overlay has pixels.</param>
    /// <param name="palette">The colour of each label, at most 256.</param>
    /// <param name="overlayPath">The overlay: a PNG.</param>
    /// <param name="overlay">The image with the classes in colour.</param>
    /// <exception cref="ArgumentException">A label has no colour, or their number is not that of the pixels.</exception>
    /// <exception cref="DataException">A file cannot be written; earlier files are unchanged.</exception>
    public static void Write(string labelPath, byte[] labels, IReadOnlyList<Rgb> palette, string overlayPath, Image overlay)
    {
        string full = Path.GetFullPath(overlayPath);
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(full)!);
            AtomicFile.Write(full, stream =>
            {
                PngWriter.WriteImage(stream, overlay);
                DiskFlush.Flush(stream);
                ImageFile.WriteLabelPng(labelPath, labels, overlay.Height, overlay.Width, palette);
            });
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new DataException(overlayPath, $"cannot be written: {failure.Message}", "a writable folder with free space",
                inner: failure);
        }
    }

    /// <summary>Whether a file is a PNG that this library wrote, and no link.</summary>
    /// <exception cref="DataException">The file cannot be read.</exception>
    public static bool Wrote(string path)
    {
        try
        {
            return new FileInfo(path).LinkTarget is null && PngWriter.Wrote(path);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new DataException(path, $"cannot be read: {failure.Message}", "a readable file", inner: failure);
        }
    }
}
