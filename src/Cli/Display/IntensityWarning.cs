using CsUnet.Data;

namespace CsUnet.Cli.Display;

/// <summary>Names the images that the intensity range of a run does not fit.</summary>
internal static class IntensityWarning
{
    private const int Named = 4;

    /// <summary>Writes one line for each set that has such images.</summary>
    public static void Write(Terminal terminal, params MicrographDataset?[] sets)
    {
        foreach (MicrographDataset images in sets.OfType<MicrographDataset>())
        {
            if (images.IntensityDoubts is not { Count: > 0 } doubts)
                continue;
            string named = string.Join("; ", doubts.Take(Named).Select(doubt => $"{doubt.Name}: {doubt.Doubt}")),
                more = doubts.Count > Named ? $"; and {doubts.Count - Named} more" : "";
            terminal.Warn(
                $"{images.Name}: the intensity range does not fit {doubts.Count} of {images.Count} images: {named}{more}");
        }
    }
}
