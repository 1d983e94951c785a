namespace CsUnet.Data.Formats;

/// <summary>
/// The one place that decides what the samples of a file are: which files are read, and what becomes of palettes, WhiteIsZero, transparency
/// and orientation, for pictures and for masks. docs/images.md is its table.
/// </summary>
internal static class SampleRules
{
    /// <summary>Refuses what neither pictures nor masks can be.</summary>
    /// <exception cref="DataException">The file is too large, holds several pictures, or samples of a kind that is not read.</exception>
    public static void Check(ImageFacts facts, long maxPixels)
    {
        long pixels = (long)facts.Height * facts.Width;
        if (facts.Several is { } several)
            throw ImageProblem.NotRead(facts.Path, $"the file is {several}", "one image per file",
                "save the images one by one, for example with ImageJ's Image > Stacks > Stack to Images");
        int channels = facts.Model == ColourModel.Palette ? 3 : Take(facts).Length;
        long most = Math.Min(maxPixels, Array.MaxLength / channels);
        if (pixels > most)
            throw ImageProblem.NotRead(facts.Path, $"the image has {facts.Height}x{facts.Width} pixels", $"at most {most} pixels",
                "cut it into smaller images");
        if (facts.Model == ColourModel.Other)
            throw ImageProblem.NotRead(facts.Path, $"the colours are {facts.ModelName}", "grey, RGB or a palette",
                "save it again as grey or RGB");
        if (facts.Kind == SampleKind.Complex)
            throw ImageProblem.NotRead(facts.Path, "the samples are complex numbers", "whole or real numbers",
                "save their magnitude as a picture");
        if (!SampleUnpacker.Reads(facts.Kind, facts.Bits))
            throw ImageProblem.NotRead(facts.Path, $"the samples are {Name(facts.Kind)} of {facts.Bits} bits",
                "1 to 16, 24, 32 or 64 bits, floating-point numbers 16, 32 or 64", "save it with 8 or 16 bits");
        if (facts.Model == ColourModel.Palette && facts.IsWide)
            throw ImageProblem.NotRead(facts.Path, $"the palette's indices are {Name(facts.Kind)} of {facts.Bits} bits",
                "unsigned indices of at most 16 bits", "save it as grey or RGB");
    }

    /// <summary>The refusal of a mask whose compression changes samples.</summary>
    public static DataException LossyMask(string path, string compression) =>
        new(path, $"the mask is a {compression}, whose compression changes class values", "a TIFF or PNG mask",
            "export it again without lossy compression");

    /// <summary>
    /// A picture as it is displayed: WhiteIsZero is inverted, transparency shows black, and a palette gives its colours; only the colours
    /// of a scale over grey samples are left out.
    /// </summary>
    public static RawImage Picture(IImageDecoder decoder)
    {
        ImageFacts facts = decoder.Facts;
        var notices = new List<string>(facts.Notices);
        SampleData data = decoder.Decode(Take(facts), mask: false);
        (int bits, int channels) = (facts.Bits, facts.ColourSamples);
        byte[]? bytes = data.Bytes;
        ushort[]? words = data.Words;
        float[]? reals = data.Reals;
        if (facts.Model == ColourModel.WhiteIsZero)
            Invert(data, (1 << Math.Min(bits, 16)) - 1);
        if (facts.Alpha != AlphaKind.None && (facts.IsWide || facts.Palette is not null))
        {
            bytes = bytes is null ? null : Transparency.DropOpaque(facts, bytes, data.Channels, "picture", (byte)((1 << bits) - 1));
            words = words is null ? null : Transparency.DropOpaque(facts, words, data.Channels, "picture", (ushort)((1 << bits) - 1));
            reals = reals is null ? null : Transparency.DropOpaque(facts, reals, data.Channels, "picture", reals[data.Channels - 1]);
        }
        else if (facts.Alpha != AlphaKind.None)
        {
            bool blends = facts.Alpha == AlphaKind.Unassociated;
            bytes = bytes is null ? null : Transparency.Flatten(bytes, data.Channels, (1 << bits) - 1, blends);
            words = words is null ? null : Transparency.Flatten(words, data.Channels, (1 << bits) - 1, blends);
        }
        if (facts.Palette is { } palette)
        {
            if (!palette.IsGrey && palette.IsColourScale)
            {
                notices.Add("the palette is a colour scale (look-up table): the samples are read as grey, not its colours");
            }
            else
            {
                bool isGrey = palette.IsGrey;
                bytes = Colours(facts, palette, bytes, words, isGrey, blends: true);
                (words, bits, channels) = (null, 8, isGrey ? 1 : 3);
            }
        }
        bool isTurned = Orientation.IsTurned(facts.Orientation);
        (int height, int width) = isTurned ? (data.Width, data.Height) : (data.Height, data.Width);
        RawImage image = bytes is not null ? RawImage.Create(Upright(bytes), height, width, channels, bits)
            : words is not null ? RawImage.Create(Upright(words), height, width, channels, bits)
            : RawImage.Create(Upright(reals!), height, width, channels);
        image.Notices = notices;
        return image;

        T[] Upright<T>(T[] samples) => Orientation.Turn(samples, facts.Orientation, data.Height, data.Width, channels);
    }

    /// <summary>
    /// A mask with its samples as stored: WhiteIsZero is not inverted, and a palette gives indices or colours. Transparent pixels and lossy
    /// compression are refused, and wide samples that are not whole numbers from 0 to 65535.
    /// </summary>
    public static MaskImage Mask(IImageDecoder decoder, bool paletteIndices)
    {
        ImageFacts facts = decoder.Facts;
        var notices = new List<string>(facts.Notices);
        if (facts.Lossy is { } lossy)
            throw LossyMask(facts.Path, lossy);
        SampleData data = decoder.Decode(Take(facts), mask: true);
        (int bits, int channels) = (facts.IsWide ? 32 : facts.Bits, facts.ColourSamples);
        ushort[] samples = data.Words ?? Array.ConvertAll(data.Bytes!, value => (ushort)value);
        if (facts.Alpha != AlphaKind.None)
            samples = Transparency.DropOpaque(facts, samples, data.Channels, "mask",
                facts.IsWide ? samples[data.Channels - 1] : (ushort)((1 << bits) - 1));
        if (facts.Model == ColourModel.WhiteIsZero)
            notices.Add("WhiteIsZero: the samples of the mask are read as stored, as ImageJ shows them");
        if (facts.Palette is { } palette)
        {
            if (!paletteIndices)
            {
                samples = Array.ConvertAll(Colours(facts, palette, null, samples, isGrey: false, blends: false), value => (ushort)value);
                channels = 3;
            }
            bits = paletteIndices && bits > 8 ? 32 : 8;
        }
        samples = Orientation.Turn(samples, facts.Orientation, data.Height, data.Width, channels);
        bool isTurned = Orientation.IsTurned(facts.Orientation);
        return new MaskImage(samples, isTurned ? data.Width : data.Height, isTurned ? data.Height : data.Width, channels, bits)
        {
            Notices = notices,
        };
    }

    private static int[] Take(ImageFacts facts)
    {
        int[] colours = [.. Enumerable.Range(0, facts.ColourSamples)];
        return facts.Alpha == AlphaKind.None ? colours : [.. colours, facts.AlphaSample];
    }

    private static string Name(SampleKind kind) => kind switch
    {
        SampleKind.Signed => "whole numbers with a sign",
        SampleKind.Real => "floating-point numbers",
        _ => "whole numbers",
    };

    // Real samples have no white; the negative shows dark what was bright, as a viewer does.
    private static void Invert(SampleData data, int white)
    {
        int step = data.Channels;
        for (int i = 0; i < data.Bytes?.Length; i += step)
            data.Bytes[i] = (byte)(white - data.Bytes[i]);
        for (int i = 0; i < data.Words?.Length; i += step)
            data.Words[i] = (ushort)(white - data.Words[i]);
        for (int i = 0; i < data.Reals?.Length; i += step)
            data.Reals[i] = -data.Reals[i];
    }

    private static byte[] Colours(ImageFacts facts, Palette palette, byte[]? bytes, ushort[]? words, bool isGrey, bool blends)
    {
        int channels = isGrey ? 1 : 3, count = bytes?.Length ?? words!.Length;
        byte[] colours = GC.AllocateUninitializedArray<byte>(checked(count * channels));
        for (int i = 0; i < count; i++)
        {
            int index = bytes is null ? words![i] : bytes[i];
            (int row, int column) = (i / facts.Width, i % facts.Width);
            if (index >= palette.Colours.Length)
                throw ImageProblem.NotRead(facts.Path, $"palette index {index} at row {row}, column {column} (as stored) has no colour",
                    $"indices below {palette.Colours.Length}", "save it again as grey or RGB");
            Rgb colour = palette.Colours[index];
            int alpha = palette.Alpha(index);
            if (alpha != byte.MaxValue && !blends)
                throw Transparency.Refuse(facts, i, "mask");
            if (alpha != byte.MaxValue)
                colour = new Rgb(Transparency.Blend(colour.R, alpha), Transparency.Blend(colour.G, alpha),
                    Transparency.Blend(colour.B, alpha));
            colours[i * channels] = colour.R;
            if (!isGrey)
                (colours[3 * i + 1], colours[3 * i + 2]) = (colour.G, colour.B);
        }
        return colours;
    }
}
