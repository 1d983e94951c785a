using CsUnet.Data.Formats;

namespace CsUnet.Data;

/// <summary>What is known of an image before it is decoded.</summary>
/// <param name="Height">Rows of the upright picture.</param>
/// <param name="Width">Columns of the upright picture.</param>
/// <param name="Channels">1 or 3; of a palette 3, though it may turn out to be grey.</param>
/// <param name="Bits">Bits per sample that the file states; 32 for real samples.</param>
/// <param name="ReadBytes">The most memory that <see cref="ImageFile.Read"/> takes at one time, its result included.</param>
public sealed record ImageHeader(int Height, int Width, int Channels, int Bits, long ReadBytes)
{
    internal static ImageHeader Of(IImageDecoder decoder)
    {
        ImageFacts facts = decoder.Facts;
        long pixels = (long)facts.Height * facts.Width;
        int channels = facts.Palette is null ? facts.ColourSamples : 3, sampleBytes = facts.SampleBytes;
        // One after another: decode; drop alpha, or look up colours; turn upright; scale to 8 bits. Each keeps its source and its result.
        long decoded = pixels * sampleBytes * (facts.ColourSamples + (facts.Alpha == AlphaKind.None ? 0 : 1));
        long raw = pixels * channels * (facts.Palette is null ? sampleBytes : 1);
        long most = decoded + decoder.ScratchBytes;
        if (facts.Alpha != AlphaKind.None || facts.Palette is not null)
            most = Math.Max(most, decoded + raw);
        if (facts.Orientation != 1)
            most = Math.Max(most, 2 * raw);
        most = Math.Max(most, raw + pixels * channels);
        bool isTurned = Orientation.IsTurned(facts.Orientation);
        return new ImageHeader(isTurned ? facts.Width : facts.Height, isTurned ? facts.Height : facts.Width, channels,
            facts.IsWide ? 32 : facts.Bits, most);
    }
}
