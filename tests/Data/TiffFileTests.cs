using CsUnet.Data;
using CsUnet.Tests.Support;
using NetVips;
using Image = CsUnet.Data.Image;
using VipsImage = NetVips.Image;

namespace CsUnet.Tests.Data;

/// <summary>TIFF files in every layout and with samples of every type.</summary>
public class TiffFileTests
{
    private const int Height = 21, Width = 37;

    private static ulong Mixed(int y, int x, int c) => (ulong)(y * 7919 + x * 104729 + c * 1299709) * 0x9E3779B97F4A7C15 >> 20;

    public static TheoryData<bool, bool, bool, int> Layouts()
    {
        var layouts = new TheoryData<bool, bool, bool, int>();
        foreach (bool little in new[] { true, false })
            foreach (bool big in new[] { true, false })
                foreach (bool planar in new[] { true, false })
                    foreach (int compression in new[] { 1, 8, 32773 })
                        layouts.Add(little, big, planar, compression);
        return layouts;
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public void Every_layout_and_depth_gives_the_same_samples(bool little, bool big, bool planar, int compression)
    {
        using var folder = new TemporaryFolder();
        foreach (int samples in new[] { 1, 3 })
            foreach (int bits in new[] { 1, 2, 4, 6, 8, 10, 12, 14, 16 })
                foreach ((int tile, int rows) in new[] { (16, 0), (0, 5), (0, int.MaxValue) })
                {
                    ulong largest = (1UL << bits) - 1;
                    var page = new TiffPage(Height, Width, (y, x, c) => Mixed(y, x, c) & largest)
                    {
                        Samples = samples, Bits = bits, Photometric = samples == 3 ? 2 : 1, Compression = compression, IsPlanar = planar,
                        Tile = tile, RowsPerStrip = rows,
                    };
                    string path = folder.Save("a.tif", TiffWriter.Write(little, big, [page], []));
                    RawImage raw = ImageFile.ReadRaw(path);
                    Assert.Equal((Height, Width, samples, bits), (raw.Height, raw.Width, raw.Channels, raw.Bits));
                    Assert.Equal(bits <= 8, raw.Words is null);
                    Assert.Empty(raw.Notices);
                    int[] expected = [.. Enumerable.Range(0, Height * Width * samples)
                        .Select(i => (int)(Mixed(i / samples / Width, i / samples % Width, i % samples) & largest))];
                    Assert.Equal(expected, raw.Words?.Select(value => (int)value) ?? raw.Bytes!.Select(value => (int)value));
                    MaskImage mask = ImageFile.ReadMask(path);
                    Assert.Equal(expected, mask.Samples.Select(value => (int)value));
                    Assert.Equal(bits, mask.Bits);
                    Image image = ImageFile.Read(path);
                    Assert.Equal(expected.Select(value => (byte)Math.Round(value * 255.0 / largest, MidpointRounding.AwayFromZero)),
                        image.Pixels);
                    ImageHeader header = ImageFile.ReadHeader(path);
                    Assert.Equal((Height, Width, samples, bits), (header.Height, header.Width, header.Channels, header.Bits));
                    Assert.True(header.ReadBytes >= image.Pixels.Length * (bits > 8 ? 3 : 2), $"{header.ReadBytes} bytes");
                }
    }

    public static TheoryData<Enums.ForeignTiffCompression, Enums.ForeignTiffPredictor, bool> Libraries()
    {
        var files = new TheoryData<Enums.ForeignTiffCompression, Enums.ForeignTiffPredictor, bool>();
        foreach (bool tile in new[] { true, false })
        {
            foreach (Enums.ForeignTiffCompression compression in
                new[] { Enums.ForeignTiffCompression.Lzw, Enums.ForeignTiffCompression.Deflate })
                foreach (Enums.ForeignTiffPredictor predictor in
                    new[] { Enums.ForeignTiffPredictor.None, Enums.ForeignTiffPredictor.Horizontal })
                    files.Add(compression, predictor, tile);
            files.Add(Enums.ForeignTiffCompression.Lzw, Enums.ForeignTiffPredictor.Float, tile);
            files.Add(Enums.ForeignTiffCompression.Packbits, Enums.ForeignTiffPredictor.None, tile);
            files.Add(Enums.ForeignTiffCompression.None, Enums.ForeignTiffPredictor.None, tile);
        }
        return files;
    }

    [Theory]
    [MemberData(nameof(Libraries))]
    public void Files_of_libtiff_are_read_exactly(
        Enums.ForeignTiffCompression compression, Enums.ForeignTiffPredictor predictor, bool tile)
    {
        using var folder = new TemporaryFolder();
        const int height = 150, width = 130, bands = 3;
        // Long equal runs, noise and a ramp: they fill LZW's table several times.
        byte[] smooth = [.. Enumerable.Range(0, height * width * bands)
            .Select(i => (byte)(i < 15000 ? (ulong)i / 3000 : i < 40000 ? Mixed(i, 0, 0) : (ulong)i / 100))];
        void Check<T>(T[] samples, Enums.BandFormat format, Func<RawImage, T[]?> read) where T : unmanaged
        {
            using VipsImage raw = VipsImage.NewFromMemoryCopy<T>(samples, width, height, bands, format);
            using VipsImage image = raw.Copy(interpretation: format == Enums.BandFormat.Uchar ? Enums.Interpretation.Srgb
                : Enums.Interpretation.Rgb16);
            foreach (bool big in new[] { true, false })
            {
                string path = folder.Save("a.tif", image.TiffsaveBuffer(compression: compression, predictor: predictor, tile: tile,
                    tileWidth: 64, tileHeight: 64, bigtiff: big));
                Assert.Equal(samples, read(ImageFile.ReadRaw(path)));
            }
        }
        float[] reals = [.. smooth.Select(value => value / 7f - 3)];
        if (predictor != Enums.ForeignTiffPredictor.Float)
        {
            Check(smooth, Enums.BandFormat.Uchar, image => image.Bytes);
            Check([.. smooth.Select((value, i) => (ushort)(value * 201 + i % 7))], Enums.BandFormat.Ushort, image => image.Words);
        }
        Check(reals, Enums.BandFormat.Float, image => image.Reals);
    }

    [Theory]
    [InlineData(2, 8, 0xFEUL, -2)]
    [InlineData(2, 16, 0x8000UL, -32768)]
    [InlineData(2, 32, 0xFFFFFFFFUL, -1)]
    [InlineData(1, 24, 0x010000UL, 65536)]
    [InlineData(1, 32, 0xFFFFFFFFUL, 4294967295.0)]
    [InlineData(2, 64, 0xFFFFFFFFFFFFFFF0UL, -16)]
    [InlineData(3, 16, 0x3E00UL, 1.5)]
    [InlineData(3, 32, 0xBFC00000UL, -1.5)]
    [InlineData(3, 64, 0x4000000000000000UL, 2)]
    public void Wide_and_signed_samples_are_reals(int format, int bits, ulong stored, double value)
    {
        using var folder = new TemporaryFolder();
        foreach (bool little in new[] { true, false })
        {
            var page = new TiffPage(1, 2, (_, x, _) => x == 0 ? stored : 0) { Bits = bits, Fields = { [339] = [format] } };
            string path = folder.Save("a.tif", TiffWriter.Write(little, false, [page], []));
            RawImage raw = ImageFile.ReadRaw(path);
            Assert.Equal(new[] { (float)value, 0 }, raw.Reals);
            Assert.Equal(32, raw.Bits);
            // A picture of levels up to 255 keeps them; another has its own range.
            byte[] levels = value is > 0 and <= 255 ? [(byte)(value + 0.5), 0] : value > 0 ? [255, 0] : [0, 255];
            Assert.Equal(levels, ImageFile.Read(path).Pixels);
        }
    }

    [Theory]
    [InlineData(2, 8)]
    [InlineData(2, 16)]
    [InlineData(1, 32)]
    [InlineData(2, 32)]
    [InlineData(2, 64)]
    [InlineData(3, 32)]
    [InlineData(3, 64)]
    public void Labels_are_read_from_every_type(int format, int bits)
    {
        using var folder = new TemporaryFolder();
        int[] labels = [0, 1, 2, bits == 8 ? 100 : 300];
        ulong Bits(double label) => (format, bits) switch
        {
            (3, 32) => BitConverter.SingleToUInt32Bits((float)label),
            (3, _) => BitConverter.DoubleToUInt64Bits(label),
            _ => (ulong)(long)label,
        };
        string Write(params double[] values) => folder.Save("a.tif", TiffWriter.Write(
            new TiffPage(2, 2, (y, x, _) => Bits(values[2 * y + x])) { Bits = bits, Fields = { [339] = [format] } }));
        MaskImage mask = ImageFile.ReadMask(Write([.. labels.Select(label => (double)label)]));
        Assert.Equal(labels, mask.Samples.Select(value => (int)value));
        Assert.Equal(32, mask.Bits);
        if (format != 1)
            ImageCases.RefusesAsSound(Write(0, 1, -1, 0), "the value -1 at row 1, column 0", mask: true);
        if (bits > 16)
            ImageCases.RefusesAsSound(Write(0, 65536, 0, 0), "the value 65536 at row 0, column 1", mask: true);
        if (format == 3)
        {
            ImageCases.RefusesAsSound(Write(0, 0, 0, 0.5), "the value 0.5 at row 1, column 1", mask: true);
            ImageCases.RefusesAsSound(Write(0, double.NaN, 0, 0), "the value NaN at row 0, column 1", mask: true);
            ImageCases.RefusesAsSound(Write(0, double.NaN, 0, 0), "the value NaN at row 0, column 1");
            ImageCases.RefusesAsSound(Write(0, double.PositiveInfinity, 0, 0), "at row 0, column 1");
        }
    }

    [Theory]
    [InlineData(8)]
    [InlineData(16)]
    [InlineData(32)]
    [InlineData(64)]
    public void Differences_are_summed_in_either_byte_order(int bits)
    {
        using var folder = new TemporaryFolder();
        ulong largest = ulong.MaxValue >> (64 - bits);
        ulong Value(int y, int x, int c) => Mixed(y, x, c) % 60000 & largest;
        foreach (bool little in new[] { true, false })
            foreach (bool planar in new[] { true, false })
            {
                var page = new TiffPage(5, 9, (y, x, c) => x == 0 ? Value(y, x, c) : Value(y, x, c) - Value(y, x - 1, c) & largest)
                {
                    Bits = bits, Samples = 3, Photometric = 2, Compression = 8, IsPlanar = planar, Fields = { [317] = [2] },
                };
                MaskImage mask = ImageFile.ReadMask(folder.Save("a.tif", TiffWriter.Write(little, false, [page], [])));
                Assert.Equal(Enumerable.Range(0, 5 * 9 * 3).Select(i => (ushort)Value(i / 27, i / 3 % 9, i % 3)), mask.Samples);
            }
    }

    [Fact]
    public void Floating_point_differences_are_summed_in_either_byte_order()
    {
        using var folder = new TemporaryFolder();
        float[] values = [1.5f, -2.25f, 1e-20f, 7e9f, 0];
        foreach (bool little in new[] { true, false })
        {
            // All first bytes by significance, then all second ones, and so on; then the differences of neighbours.
            byte[] planes = [.. Enumerable.Range(0, 4).SelectMany(b => values.Select(value =>
                (byte)(BitConverter.SingleToUInt32Bits(value) >> (24 - 8 * b))))];
            byte[] row = [.. planes.Select((value, i) => (byte)(value - (i == 0 ? 0 : planes[i - 1])))];
            var page = new TiffPage(1, 20, (_, x, _) => row[x])
            {
                Compression = 8, Fields = { [256] = [5], [258] = [32], [339] = [3], [317] = [3] },
            };
            Assert.Equal(values, ImageFile.ReadRaw(folder.Save("a.tif", TiffWriter.Write(little, false, [page], []))).Reals);
        }
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(8, 1)]
    [InlineData(8, 8)]
    [InlineData(1, 32773)]
    public void Reversed_bits_are_turned(int bits, int compression)
    {
        using var folder = new TemporaryFolder();
        var page = new TiffPage(6, 11, (y, x, _) => Mixed(y, x, 0) & ((1UL << bits) - 1)) { Bits = bits, Compression = compression };
        byte[] straight = ImageFile.ReadRaw(folder.Save("a.tif", TiffWriter.Write(page))).Bytes!;
        TiffPage reversed = page with
        {
            Fields = new() { [266] = [2] },
            Change = (_, bytes) => [.. bytes.Select(value => (byte)Enumerable.Range(0, 8).Sum(b => (value >> b & 1) << (7 - b)))],
        };
        Assert.Equal(straight, ImageFile.ReadRaw(folder.Save("a.tif", TiffWriter.Write(reversed))).Bytes);
    }

    [Fact]
    public void A_constant_picture_of_reals_is_read()
    {
        using var folder = new TemporaryFolder();
        var page = new TiffPage(2, 2, (_, _, _) => BitConverter.SingleToUInt32Bits(7)) { Bits = 32, Fields = { [339] = [3] } };
        Assert.Equal(new byte[] { 7, 7, 7, 7 }, ImageFile.Read(folder.Save("a.tif", TiffWriter.Write(page))).Pixels);
    }

    [Fact]
    public void Only_samples_that_the_file_calls_alpha_are_transparency()
    {
        using var folder = new TemporaryFolder();
        string Write(int samples, int photometric, params long[] extra) => folder.Save("a.tif", TiffWriter.Write(
            new TiffPage(1, 2, (_, x, c) => (ulong)(x == 0 ? 100 + c : 255 - c))
            {
                Samples = samples, Photometric = photometric, Fields = { [338] = extra },
            }));
        foreach (long[] extra in new long[][] { [0], [] })
        {
            RawImage grey = ImageFile.ReadRaw(Write(2, 1, extra));
            Assert.Equal(new byte[] { 100, 255 }, grey.Bytes);
            Assert.Contains("does not say what 1 of the 2 samples", Assert.Single(grey.Notices));
            RawImage colour = ImageFile.ReadRaw(Write(5, 2, [.. extra, .. extra]));
            Assert.Equal(new byte[] { 100, 101, 102, 255, 254, 253 }, colour.Bytes);
            Assert.Contains("2 of the 5 samples", Assert.Single(colour.Notices));
            MaskImage mask = ImageFile.ReadMask(Write(2, 1, extra));
            Assert.Equal(new ushort[] { 100, 255 }, mask.Samples);
            Assert.Single(mask.Notices);
            Assert.Single(ImageFile.Read(Write(2, 1, extra)).Compact().Notices);
        }
        // Unassociated alpha: 101/255 and 254/255.
        Assert.Equal(new byte[] { 40, 254 }, ImageFile.ReadRaw(Write(2, 1, 2)).Bytes);
        // Associated alpha: the colours are on black already.
        Assert.Equal(new byte[] { 100, 255 }, ImageFile.ReadRaw(Write(2, 1, 1)).Bytes);
        // An unknown sample before alpha.
        RawImage second = ImageFile.ReadRaw(Write(3, 1, 0, 2));
        Assert.Equal(new byte[] { 40, 253 }, second.Bytes);
        Assert.Contains("1 of the 3 samples", Assert.Single(second.Notices));
        ImageCases.RefusesAsSound(Write(2, 1, 2), "the mask is transparent at row 0, column 0", mask: true);
        ImageCases.RefusesAsSound(Write(2, 1, 1), "the mask is transparent at row 0, column 0", mask: true);
    }

    [Theory]
    [InlineData(5, 4, 8, 1, "CMYK")]
    [InlineData(8, 3, 8, 1, "L*a*b*")]
    [InlineData(6, 3, 8, 1, "YCbCr")]
    [InlineData(32803, 1, 16, 1, "colour filter array")]
    [InlineData(1, 1, 64, 6, "complex")]
    [InlineData(1, 1, 20, 1, "whole numbers of 20 bits")]
    [InlineData(1, 1, 24, 3, "floating-point numbers of 24 bits")]
    [InlineData(2, 2, 8, 1, "RGB and has 2 samples")]
    public void Samples_of_other_kinds_are_refused_as_what_they_are(int photometric, int samples, int bits, int format, string reason)
    {
        using var folder = new TemporaryFolder();
        var page = new TiffPage(4, 4, (_, _, _) => 1)
        {
            Photometric = photometric, Samples = samples, Bits = bits, Fields = { [339] = [format] },
        };
        string path = folder.Save("a.tif", TiffWriter.Write(page));
        ImageCases.RefusesAsSound(path, reason);
        ImageCases.RefusesAsSound(path, reason, mask: true);
    }

    [Theory]
    [InlineData(50000, "Zstandard")]
    [InlineData(34925, "LZMA")]
    [InlineData(34712, "JPEG 2000")]
    [InlineData(6, "old-style JPEG")]
    [InlineData(12345, "number 12345")]
    public void Other_compressions_are_refused_by_name(int compression, string name)
    {
        using var folder = new TemporaryFolder();
        var page = new TiffPage(4, 4, (_, _, _) => 1) { Fields = { [259] = [compression] } };
        ImageCases.RefusesAsSound(folder.Save("a.tif", TiffWriter.Write(page)), name);
    }

    [Fact]
    public void Samples_of_unlike_bits_and_impossible_predictors_are_refused()
    {
        using var folder = new TemporaryFolder();
        var unlike = new TiffPage(4, 4, (_, _, _) => 1) { Samples = 3, Photometric = 2, Fields = { [258] = [5, 6, 5] } };
        ImageCases.RefusesAsSound(folder.Save("a.tif", TiffWriter.Write(unlike)), "different bits (5, 6, 5)");
        var packed = new TiffPage(4, 4, (_, _, _) => 1) { Bits = 12, Compression = 8, Fields = { [317] = [2] } };
        ImageCases.RefusesAsSound(folder.Save("b.tif", TiffWriter.Write(packed)), "predictor 2 with samples of 12 bits");
    }

    [Fact]
    public void Private_and_unknown_fields_do_not_matter()
    {
        using var folder = new TemporaryFolder();
        var page = new TiffPage(4, 4, (y, x, _) => (ulong)(y + x))
        {
            Fields = { [34118] = [1, 2, 3], [65000] = [9], [50838] = [28, 12] }, Texts = { [34682] = "[User]\nBeam=EBeam" },
        };
        RawImage raw = ImageFile.ReadRaw(folder.Save("a.tif", TiffWriter.Write(page)));
        Assert.Equal(6, raw.Bytes![15]);
        Assert.Empty(raw.Notices);
    }

    [Fact]
    public void A_missing_byte_count_of_a_plain_strip_is_computed()
    {
        using var folder = new TemporaryFolder();
        foreach (long[] counts in new long[][] { [], [0] })
        {
            var page = new TiffPage(4, 5, (y, x, _) => (ulong)(y * 5 + x)) { Fields = { [279] = counts, [278] = [] } };
            RawImage raw = ImageFile.ReadRaw(folder.Save("a.tif", TiffWriter.Write(page)));
            Assert.Equal(Enumerable.Range(0, 20).Select(i => (byte)i), raw.Bytes);
        }
    }
}
