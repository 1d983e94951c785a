using System.Numerics;

namespace CsUnet.Data.Formats;

/// <summary>What becomes of an alpha channel, the last one decoded: pictures are blended onto black, masks must be opaque.</summary>
internal static class Transparency
{
    /// <summary>An 8-bit sample on black.</summary>
    public static byte Blend(byte sample, int alpha) => (byte)((sample * alpha + 127) / 255);

    /// <summary>The colours without alpha, blended onto black. Colours that are multiplied by alpha already stay as they are.</summary>
    public static T[] Flatten<T>(T[] samples, int channels, int opaque, bool blends) where T : unmanaged, IBinaryInteger<T>
    {
        int colours = channels - 1, pixels = samples.Length / channels;
        T[] flat = GC.AllocateUninitializedArray<T>(pixels * colours);
        for (int i = 0; i < pixels; i++)
        {
            long alpha = blends ? long.CreateTruncating(samples[i * channels + colours]) : opaque;
            for (int c = 0; c < colours; c++)
                flat[i * colours + c] =
                    T.CreateTruncating((long.CreateTruncating(samples[i * channels + c]) * alpha + opaque / 2) / opaque);
        }
        return flat;
    }

    /// <summary>The colours of a picture or mask that must be opaque.</summary>
    /// <param name="facts">The file.</param>
    /// <param name="samples">With alpha as the last channel.</param>
    /// <param name="channels">Alpha included.</param>
    /// <param name="what">Picture or mask.</param>
    /// <param name="opaque">The alpha of an opaque pixel. Wide samples have no stated scale: it is that of the first pixel.</param>
    /// <exception cref="DataException">A pixel is not opaque.</exception>
    public static T[] DropOpaque<T>(ImageFacts facts, T[] samples, int channels, string what, T opaque) where T : unmanaged, INumber<T>
    {
        int colours = channels - 1, pixels = samples.Length / channels;
        T[] flat = GC.AllocateUninitializedArray<T>(pixels * colours);
        for (int i = 0; i < pixels; i++)
        {
            T alpha = samples[i * channels + colours];
            if (alpha != opaque || alpha == T.Zero)
                throw Refuse(facts, i, what);
            samples.AsSpan(i * channels, colours).CopyTo(flat.AsSpan(i * colours));
        }
        return flat;
    }

    /// <summary>The refusal of a file for its stored pixel <paramref name="pixel"/>.</summary>
    public static DataException Refuse(ImageFacts facts, int pixel, string what)
    {
        (int row, int column) =
            Orientation.Upright(facts.Orientation, pixel / facts.Width, pixel % facts.Width, facts.Height, facts.Width);
        return new DataException(facts.Path, $"the {what} is transparent at row {row}, column {column}", "opaque pixels",
            "flatten the layers and save it again");
    }
}
