namespace CsUnet.Data.Formats;

/// <summary>A TIFF or BigTIFF file (TIFF 6.0): strips or tiles, chunky or planar, samples of any type.</summary>
internal sealed class TiffFile : IImageDecoder
{
    private const int YCbCr = 6;

    private readonly ByteSource _source;
    private readonly TiffLayout _layout;
    private readonly TiffDirectory _page;

    public TiffFile(ByteSource source, TiffLayout layout)
    {
        (_source, _layout) = (source, layout);
        var notices = new List<string>();
        TiffPages pages = TiffPages.Read(source, layout, notices);
        _page = pages.Picture;
        Facts = ReadFacts(notices, pages.Several);
    }

    public ImageFacts Facts { get; }

    public long ScratchBytes
    {
        get
        {
            long rowBytes = (long)Facts.Width * Facts.Samples * Facts.Bits / 8;
            long rows = _page.IsTiled ? _page.Number(TiffTag.TileLength, 1) : _page.Number(TiffTag.RowsPerStrip, uint.MaxValue);
            // The samples of a strip or row of tiles, and what the strip holds compressed.
            return Compression == TiffCompression.None ? 4 << 20 : 2 * rowBytes * Math.Clamp(rows, 1, Facts.Height);
        }
    }

    private long Compression => _page.Number(TiffTag.Compression, TiffCompression.None);

    public SampleData Decode(int[] take, bool mask)
    {
        if (!TiffCompression.IsRead(Compression))
            throw ImageProblem.NotRead(Facts.Path, $"its samples are compressed with {TiffCompression.Name(Compression)}",
                TiffCompression.Read, "save it again with LZW or without compression");
        if (ForeignBlocks.Contradiction(Compression, Facts) is { } contradiction)
            throw ImageProblem.NotRead(Facts.Path, $"it has {contradiction}", "bits that the compression is made for",
                "save it again with LZW or without compression");
        var blocks = new TiffBlocks(_source, _layout, _page, Facts);
        if (!TiffPredictor.Applies(blocks.Predictor, Facts.Bits, Facts.Kind))
            throw ImageProblem.NotRead(Facts.Path, $"it has predictor {blocks.Predictor} with samples of {Facts.Bits} bits",
                "predictor 2 with 8, 16, 32 or 64 bits, or 3 with floating-point samples", "save it again without predictor");
        if (mask && Compression == TiffCompression.Webp && Enumerable.Range(0, blocks.Count).Any(index => !blocks.IsLosslessWebp(index)))
            throw SampleRules.LossyMask(Facts.Path, "lossy WebP inside a TIFF");
        var data = new SampleData(Facts, take.Length, mask);
        var unpacker = new SampleUnpacker(Facts, _layout.IsLittleEndian, data, mask);
        int perPlane = blocks.Across * blocks.Down;
        for (int index = 0; index < blocks.Count; index++)
        {
            int plane = index / perPlane, top = index % perPlane / blocks.Across * blocks.Height;
            int left = index % blocks.Across * blocks.Width, pixels = Math.Min(blocks.Width, Facts.Width - left);
            int channel = blocks.IsPlanar ? Array.IndexOf(take, plane) : 0;
            foreach ((int first, int rows, ReadOnlyMemory<byte> bytes) in blocks.Rows(index))
            {
                if (channel < 0)
                    continue; // a sample that is not asked for, decoded all the same: a damaged file is damaged
                for (int y = 0; y < rows && top + first + y < Facts.Height; y++)
                    unpacker.Read(bytes.Span[(int)(y * blocks.RowBytes)..(int)((y + 1) * blocks.RowBytes)], blocks.Samples,
                        blocks.IsPlanar ? [0] : take, channel, pixels, top + first + y, left);
            }
        }
        return data;
    }

    private ImageFacts ReadFacts(List<string> notices, string? several)
    {
        long height = _page.Number(TiffTag.ImageLength, 0), width = _page.Number(TiffTag.ImageWidth, 0);
        if (height is < 1 or > int.MaxValue || width is < 1 or > int.MaxValue)
            throw ImageProblem.Damaged(_source.Path, $"it states {height}x{width} pixels");
        long samples = _page.Number(TiffTag.SamplesPerPixel, 1);
        if (samples is < 1 or > ushort.MaxValue)
            throw ImageProblem.Damaged(_source.Path, $"it states {samples} samples per pixel");
        long bits = Same(TiffTag.BitsPerSample, 1, "bits");
        long[] extra = _page.Numbers(TiffTag.ExtraSamples);
        long photometric = _page.Number(TiffTag.Photometric, samples - extra.Length >= 3 ? 2 : 1);
        (ColourModel model, string name) = Model(photometric);
        var facts = new ImageFacts
        {
            Path = _source.Path,
            Height = (int)height,
            Width = (int)width,
            Bits = (int)bits,
            Kind = Same(TiffTag.SampleFormat, 1, "types") switch
            {
                2 => SampleKind.Signed,
                3 => SampleKind.Real,
                5 or 6 => SampleKind.Complex,
                _ => SampleKind.Unsigned,
            },
            Model = model,
            ModelName = name,
            Samples = (int)samples,
            Orientation = ExifOrientation.Check(_page.Number(TiffTag.Orientation, 1), notices),
            Lossy = Compression is 6 or TiffCompression.Jpeg ? "JPEG inside a TIFF" : null,
            Several = several,
        };
        if (samples < facts.ColourSamples)
            throw ImageProblem.NotRead(_source.Path, $"the file says RGB and has {samples} samples per pixel", "three or more",
                "save it again as RGB or grey");
        if (model == ColourModel.Palette && several is null)
            facts = facts with { Palette = ReadPalette(facts) };
        return Extras(facts, extra, notices) with { Notices = notices };
    }

    /// <summary>Which of the samples beyond the colours is alpha: the first that the file calls so. The others are not read.</summary>
    private static ImageFacts Extras(ImageFacts facts, long[] extra, List<string> notices)
    {
        int colours = facts.ColourSamples, unread = facts.Model == ColourModel.Other ? 0 : facts.Samples - colours;
        if (unread == 0)
            return facts;
        int alpha = Array.FindIndex(extra, 0, Math.Min(extra.Length, unread), kind => kind is 1 or 2);
        if (alpha >= 0)
        {
            facts = facts with
            {
                Alpha = extra[alpha] == 1 ? AlphaKind.Associated : AlphaKind.Unassociated,
                AlphaSample = colours + alpha,
            };
            unread--;
        }
        if (unread > 0)
            notices.Add($"the file does not say what {unread} of the {facts.Samples} samples of a pixel {(unread == 1 ? "is" : "are")}: "
                + (colours == 1 ? "only the first sample is read" : "only the first three samples are read, as RGB"));
        return facts;
    }

    private (ColourModel Model, string Name) Model(long photometric) => photometric switch
    {
        0 => (ColourModel.WhiteIsZero, ""),
        1 => (ColourModel.Grey, ""),
        2 => (ColourModel.Rgb, ""),
        3 => (ColourModel.Palette, ""),
        YCbCr when Compression is TiffCompression.Jpeg => (ColourModel.Rgb, ""),
        YCbCr => (ColourModel.Other, "YCbCr without JPEG compression"),
        4 => (ColourModel.Other, "a transparency mask"),
        5 => (ColourModel.Other, "CMYK or other inks"),
        8 or 9 or 10 => (ColourModel.Other, "L*a*b*"),
        32803 => (ColourModel.Other, "a raw sensor's colour filter array"),
        34892 => (ColourModel.Other, "linear raw"),
        32844 or 32845 => (ColourModel.Other, "logarithmic luminance"),
        _ => (ColourModel.Other, $"photometric interpretation {photometric}"),
    };

    // Some writers give one number for all samples.
    private long Same(int tag, long absent, string what)
    {
        long[] values = _page.Has(tag) ? _page.Numbers(tag) : [absent];
        return values.All(value => value == values[0])
            ? values[0]
            : throw ImageProblem.NotRead(_source.Path,
                $"the samples of a pixel have different {what} ({string.Join(", ", values.Take(4))})", "the same for all samples",
                "save it again as 8-bit or 16-bit grey or RGB");
    }

    private Palette? ReadPalette(ImageFacts facts)
    {
        if (facts.Bits is < 1 or > 16)
            return null; // refused for its bits
        int count = 1 << facts.Bits;
        long[] map = _page.Numbers(TiffTag.ColorMap);
        if (map.Length != 3 * count)
            throw ImageProblem.Damaged(_source.Path, $"its palette has {map.Length} numbers, {3 * count} are needed");
        // 16 bits per channel by the standard; some writers give 8.
        int shift = map.All(value => value <= byte.MaxValue) ? 0 : 8;
        return new Palette([.. Enumerable.Range(0, count).Select(i =>
            new Rgb((byte)(map[i] >> shift), (byte)(map[count + i] >> shift), (byte)(map[2 * count + i] >> shift)))], []);
    }
}
