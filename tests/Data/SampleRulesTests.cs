using CsUnet.Data;
using CsUnet.Tests.Support;
using NetVips;
using Image = CsUnet.Data.Image;
using VipsImage = NetVips.Image;

namespace CsUnet.Tests.Data;

/// <summary>What samples mean: palettes, WhiteIsZero, orientation, transparency; pictures as displayed, masks as stored.</summary>
public class SampleRulesTests
{
    private static readonly ClassMap s_twoValues = new("two", [new("a", new Rgb(0, 0, 0), [0], []), new("b", new Rgb(9, 9, 9), [1], [])]);

    [Fact]
    public void Files_of_other_programs_give_the_same_picture()
    {
        byte[] plain = ImageFile.Read(ImageCases.Path("plain.tif")).Pixels;
        RawImage table = ImageFile.ReadRaw(ImageCases.Path("greenlut.tif"));
        Assert.Equal(plain, table.Bytes);
        Assert.Contains("look-up table", Assert.Single(table.Notices));
        Assert.Equal(plain, ImageFile.Read(ImageCases.Path("twobands.tif")).Pixels);
        RawImage packed = ImageFile.ReadRaw(ImageCases.Path("packed12.tif"));
        Assert.Equal(12, packed.Bits);
        Assert.Equal(plain.Select(value => (ushort)(16 * value)), packed.Words);
        RawImage real = ImageFile.ReadRaw(ImageCases.Path("float01.tif"));
        Assert.Equal(plain.Select(value => value / 255f), real.Reals);
        Assert.Equal(plain, ImageFile.Read(ImageCases.Path("float01.tif")).Pixels);
    }

    [Fact]
    public void Masks_of_other_programs_give_the_same_labels()
    {
        MaskImage indices = ImageFile.ReadMask(ImageCases.Path("mask-pngpal.png"), paletteIndices: true);
        Assert.Equal(1, indices.Samples.Max());
        Assert.Equal(indices.Samples, ImageFile.ReadMask(ImageCases.Path("mask-tifpal.tif"), paletteIndices: true).Samples);
        Assert.Equal(indices.Samples, ImageFile.ReadMask(ImageCases.Path("mask-i32.tif")).Samples);
        MaskImage inverted = ImageFile.ReadMask(ImageCases.Path("mask-tifinvlut.tif"));
        Assert.Equal(indices.Samples.Select(value => (ushort)(255 * value)), inverted.Samples);
        Assert.Contains("WhiteIsZero", Assert.Single(inverted.Notices));
        // By colour: the table's colours.
        MaskImage colours = ImageFile.ReadMask(ImageCases.Path("mask-tifpal.tif"));
        Assert.Equal(3, colours.Channels);
        Assert.Equal(ImageFile.ReadMask(ImageCases.Path("mask-pngpal.png")).Samples[..3], [0, 0, 0]);
        byte[] labels = s_twoValues.Label(indices, out string? unknown);
        Assert.Null(unknown);
        Assert.Equal(labels, s_twoValues.Label(ImageFile.ReadMask(ImageCases.Path("mask-i32.tif")), out _));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    [InlineData(8)]
    [InlineData(12)]
    [InlineData(16)]
    public void White_is_zero_is_displayed_in_pictures_and_stored_in_masks(int bits)
    {
        using var folder = new TemporaryFolder();
        ulong largest = (1UL << bits) - 1;
        var page = new TiffPage(1, 2, (_, x, _) => x == 0 ? 0 : largest / 3) { Bits = bits, Photometric = 0 };
        string path = folder.Save("a.tif", TiffWriter.Write(page));
        RawImage raw = ImageFile.ReadRaw(path);
        Assert.Equal(new[] { (int)largest, (int)(largest - largest / 3) },
            raw.Words?.Select(value => (int)value) ?? raw.Bytes!.Select(value => (int)value));
        Assert.Equal(new[] { 0, (int)(largest / 3) }, ImageFile.ReadMask(path).Samples.Select(value => (int)value));
    }

    [Fact]
    public void White_is_zero_with_real_samples_and_with_alpha_is_displayed()
    {
        using var folder = new TemporaryFolder();
        var real = new TiffPage(1, 2, (_, x, _) => BitConverter.SingleToUInt32Bits(x))
        {
            Bits = 32, Photometric = 0, Fields = { [339] = [3] },
        };
        Assert.Equal(new byte[] { 255, 0 }, ImageFile.Read(folder.Save("a.tif", TiffWriter.Write(real))).Pixels);
        var glass = new TiffPage(1, 2, (_, x, c) => c == 1 ? (x == 0 ? 255UL : 0) : 55)
        {
            Samples = 2, Photometric = 0, Fields = { [338] = [2] },
        };
        // Transparent pixels show black, not the white of sample 0.
        Assert.Equal(new byte[] { 200, 0 }, ImageFile.Read(folder.Save("a.tif", TiffWriter.Write(glass))).Pixels);
    }

    [Fact]
    public void A_palette_gives_indices_to_masks_and_colours_or_samples_to_pictures()
    {
        using var folder = new TemporaryFolder();
        var random = new Random(4);
        Rgb[] Table(Func<int, Rgb> colour) => [.. Enumerable.Range(0, 256).Select(colour)];
        Rgb Random() => new((byte)random.Next(256), (byte)random.Next(256), (byte)random.Next(256));
        Rgb Hue(int i) => (i / 43) switch
        {
            0 => new(255, (byte)(i * 5), 0), 1 => new((byte)(255 - (i - 43) * 5), 255, 0), 2 => new(0, 255, (byte)((i - 86) * 5)),
            3 => new(0, (byte)(255 - (i - 129) * 5), 255), 4 => new((byte)((i - 172) * 5), 0, 255),
            _ => new(255, 0, (byte)(255 - (i - 215) * 5)),
        };
        (string Name, Rgb[] Colours, bool IsScale)[] tables =
        [
            ("green", Table(i => new(0, (byte)i, 0)), true),
            ("fire", Table(i => new((byte)Math.Min(255, i * 2), (byte)Math.Max(0, i * 2 - 255), (byte)Math.Max(0, i * 4 - 768))), true),
            ("hue", Table(Hue), true),
            ("grey with marks at both ends",
                Table(i => i == 0 ? new(0, 0, 255) : i == 255 ? new(255, 0, 0) : new((byte)i, (byte)i, (byte)i)), true),
            ("sixteen blocks", Table(i => new((byte)(i / 16 * 37), (byte)(i / 16 * 91), (byte)(i / 16 * 151))), true),
            ("colours of a picture", Table(_ => Random()), false),
            ("three-three-two", Table(i => new((byte)(i >> 5 << 5), (byte)(i >> 2 << 5), (byte)(i << 6))), false),
            ("twenty colours and filling", Table(i => i < 20 ? Random() : default), false),
        ];
        foreach ((string name, Rgb[] colours, bool isScale) in tables)
        {
            byte[] palette = [.. colours.SelectMany(colour => new[] { colour.R, colour.G, colour.B })];
            string png = folder.Save("a.png", PngFileWriter.Write(16, 16, 8, 3, (y, x, _) => y * 16 + x, chunks: [("PLTE", palette)]));
            foreach (int scale in new[] { 257, 256, 1 })
            {
                long[] map = [.. Enumerable.Range(0, 768).Select(i => (long)palette[i % 256 * 3 + i / 256] * scale)];
                string tiff = folder.Save("a.tif", TiffWriter.Write(
                    new TiffPage(16, 16, (y, x, _) => (ulong)(y * 16 + x)) { Photometric = 3, Fields = { [320] = map } }));
                foreach (string path in new[] { png, tiff })
                {
                    RawImage picture = ImageFile.ReadRaw(path);
                    Assert.True(picture.Channels == (isScale ? 1 : 3), $"{name}: {picture.Channels} channels");
                    Assert.Equal(isScale ? Enumerable.Range(0, 256).Select(i => (byte)i) : palette, picture.Bytes);
                    Assert.Equal(isScale ? 1 : 0, picture.Notices.Count);
                    Assert.Equal(Enumerable.Range(0, 256).Select(i => (ushort)i), ImageFile.ReadMask(path, paletteIndices: true).Samples);
                    Assert.Equal(palette.Select(value => (ushort)value), ImageFile.ReadMask(path).Samples);
                }
            }
        }
    }

    [Fact]
    public void A_grey_palette_is_displayed_and_small_palettes_are_colours()
    {
        using var folder = new TemporaryFolder();
        byte[] inverted = [.. Enumerable.Range(0, 256).SelectMany(i => Enumerable.Repeat((byte)(255 - i), 3))];
        RawImage grey = ImageFile.ReadRaw(folder.Save("a.png",
            PngFileWriter.Write(16, 16, 8, 3, (y, x, _) => y * 16 + x, chunks: [("PLTE", inverted)])));
        Assert.Equal(1, grey.Channels);
        Assert.Equal(Enumerable.Range(0, 256).Select(i => (byte)(255 - i)), grey.Bytes);
        foreach (int bits in new[] { 1, 2, 4 })
        {
            int count = 1 << bits;
            long[] map = [.. Enumerable.Range(0, 3 * count).Select(i => (long)(i % count * 1000 + i / count))];
            string path = folder.Save("a.tif", TiffWriter.Write(
                new TiffPage(1, count, (_, x, _) => (ulong)x) { Bits = bits, Photometric = 3, Fields = { [320] = map } }));
            MaskImage mask = ImageFile.ReadMask(path, paletteIndices: true);
            Assert.Equal(8, mask.Bits); // indices stand for themselves
            Assert.Equal(Enumerable.Range(0, count).Select(i => (ushort)i), mask.Samples);
        }
        ImageCases.RefusesAsSound(folder.Save("b.png",
            PngFileWriter.Write(1, 2, 8, 3, (_, x, _) => 3 * x, chunks: [("PLTE", new byte[6])])), "palette index 3 at row 0, column 1");
    }

    [Fact]
    public void Transparent_indices_are_black_in_pictures_and_refused_in_masks_by_colour()
    {
        using var folder = new TemporaryFolder();
        string path = folder.Save("a.png", PngFileWriter.Write(1, 3, 2, 3, (_, x, _) => x,
            chunks: [("PLTE", [10, 20, 30, 200, 100, 50, 1, 2, 3]), ("tRNS", [255, 128])]));
        Assert.Equal(new byte[] { 10, 20, 30, 100, 50, 25, 1, 2, 3 }, ImageFile.Read(path).Pixels);
        ImageCases.RefusesAsSound(path, "the mask is transparent at row 0, column 1", mask: true);
        Assert.Equal(new ushort[] { 0, 1, 2 }, ImageFile.ReadMask(path, paletteIndices: true).Samples);
    }

    [Fact]
    public void Every_orientation_is_turned_upright_in_every_format()
    {
        using var folder = new TemporaryFolder();
        const int height = 16, width = 24;
        static int Level(int y, int x) => y * 10 + x * 4; // upright
        for (int orientation = 1; orientation <= 8; orientation++)
        {
            bool turned = orientation >= 5;
            (int rows, int columns) = turned ? (width, height) : (height, width);
            // The definition of EXIF: where the stored first row and column are seen.
            int Stored(int row, int column) => orientation switch
            {
                1 => Level(row, column),
                2 => Level(row, width - 1 - column),
                3 => Level(height - 1 - row, width - 1 - column),
                4 => Level(height - 1 - row, column),
                5 => Level(column, row),
                6 => Level(column, width - 1 - row),
                7 => Level(height - 1 - column, width - 1 - row),
                _ => Level(height - 1 - column, row),
            };
            byte[] upright = [.. Enumerable.Range(0, height * width).Select(i => (byte)Level(i / width, i % width))];
            string tiff = folder.Save("a.tif", TiffWriter.Write(
                new TiffPage(rows, columns, (y, x, _) => (ulong)Stored(y, x)) { Fields = { [274] = [orientation] } }));
            string png = folder.Save("a.png", PngFileWriter.Write(rows, columns, 8, 0, (y, x, _) => Stored(y, x),
                chunks: [("eXIf", PngFileWriter.Exif(orientation, orientation % 2 == 0))]));
            foreach (string path in new[] { tiff, png })
            {
                Image image = ImageFile.Read(path);
                Assert.Equal($"{height}x{width}x1", image.ToString());
                Assert.Equal(upright, image.Pixels);
                Assert.Equal(upright.Select(value => (ushort)value), ImageFile.ReadMask(path).Samples);
                ImageHeader header = ImageFile.ReadHeader(path);
                Assert.Equal((height, width), (header.Height, header.Width));
            }
            using VipsImage stored = VipsImage.NewFromMemoryCopy<byte>(
                [.. Enumerable.Range(0, height * width * 3).Select(i => (byte)Stored(i / 3 / columns, i / 3 % columns))], columns, rows, 3,
                Enums.BandFormat.Uchar);
            using VipsImage colour = stored.Copy(interpretation: Enums.Interpretation.Srgb);
            byte[] jpeg = colour.JpegsaveBuffer(q: 100, subsampleMode: Enums.ForeignSubsample.Off);
            byte[] exif = [.. "Exif\0\0"u8, .. PngFileWriter.Exif(orientation, orientation % 2 == 1)];
            string photo = folder.Save("a.jpg", [.. jpeg[..2], 0xFF, 0xE1, 0, (byte)(exif.Length + 2), .. exif, .. jpeg[2..]]);
            Image read = ImageFile.Read(photo);
            Assert.Equal($"{height}x{width}x3", read.ToString());
            Assert.All(Enumerable.Range(0, height * width), i => Assert.InRange(read.Pixels[3 * i], upright[i] - 3, upright[i] + 3));
        }
    }

    [Fact]
    public void A_photograph_lies_over_its_upright_mask()
    {
        Image image = ImageFile.Read(ImageCases.Path("exif6.jpg"));
        MaskImage truth = ImageFile.ReadMask(ImageCases.Path("exif6-truth.png"));
        Assert.Equal((truth.Height, truth.Width), (image.Height, image.Width));
        double Mean(bool disc) => image.Pixels.Where((_, i) => truth.Samples[i] > 0 == disc).Average(value => value);
        Assert.True(Mean(true) - Mean(false) > 100, $"discs {Mean(true)}, ground {Mean(false)}");
    }

    [Fact]
    public void An_orientation_without_meaning_is_upright_with_a_notice()
    {
        using var folder = new TemporaryFolder();
        string Write(long orientation) => folder.Save("a.tif",
            TiffWriter.Write(new TiffPage(2, 3, (y, x, _) => (ulong)(3 * y + x)) { Fields = { [274] = [orientation] } }));
        Assert.Empty(ImageFile.ReadRaw(Write(0)).Notices);
        RawImage odd = ImageFile.ReadRaw(Write(9));
        Assert.Equal(new byte[] { 0, 1, 2, 3, 4, 5 }, odd.Bytes);
        Assert.Contains("orientation 9", Assert.Single(odd.Notices));
        string broken = folder.Save("a.png", PngFileWriter.Write(2, 3, 8, 0, (y, x, _) => 3 * y + x, chunks: [("eXIf", [1, 2, 3])]));
        Assert.Contains("EXIF", Assert.Single(ImageFile.ReadRaw(broken).Notices));
    }

    [Fact]
    public void Samples_of_few_bits_stand_for_what_the_class_map_lists()
    {
        MaskImage Bits(int bits, params ushort[] samples) => new(samples, 1, samples.Length, 1, bits);
        ClassMap Map(params int[] values) =>
            new("m", [.. values.Select((value, i) => new SegmentationClass($"c{i}", default, [value], []))]);
        Assert.Equal(new byte[] { 0, 1 }, Map(0, 1).Label(Bits(1, 0, 1), out _));
        Assert.Equal(new byte[] { 0, 1 }, Map(0, 255).Label(Bits(1, 0, 1), out _));
        Assert.Equal(new byte[] { 0, 1, 2, 3 }, Map(0, 85, 170, 255).Label(Bits(2, 0, 1, 2, 3), out _));
        Assert.Equal(new byte[] { 0, 2, 3 }, Map(0, 1, 2, 3).Label(Bits(2, 0, 2, 3), out _));
        Assert.Equal(new byte[] { 0, 5 }, Map(0, 1, 2, 3, 4, 5).Label(Bits(4, 0, 5), out string? unknown));
        Assert.Null(unknown);
        Map(0, 7).Label(Bits(1, 0, 1), out unknown);
        Assert.Contains("value 255 in 1 pixel", unknown);
        // Both meanings are listed: the map cannot tell.
        Map(0, 1, 255).Label(Bits(1, 0, 1), out unknown);
        Assert.Contains("1 or 255", unknown);
        Assert.Equal(new byte[] { 0, 0 }, Map(0, 1, 255).Label(Bits(1, 0, 0), out unknown));
        Assert.Null(unknown);
    }
}
