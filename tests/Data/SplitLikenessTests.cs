using System.Buffers.Binary;
using System.Text;
using CsUnet.Data;
using CsUnet.Tests.Support;

namespace CsUnet.Tests.Data;

/// <summary>What is unlike between the pictures of a set, and pictures that are in it more than once.</summary>
public sealed class SplitLikenessTests : IDisposable
{
    private const string Unseen = "; scores on test are not those of pictures that training has not seen";

    private static readonly ClassMap s_map =
        ClassMap.FromYaml("classes: [{name: ground, values: [0]}, {name: disc, values: [1]}]", "map");

    private readonly DiscSet _set = new();

    public SplitLikenessTests() => _set.Add("train", 1, 0, 1).Add("train", 2, 0, 1);

    public void Dispose() => _set.Dispose();

    [Fact]
    public void Sizes_are_named_with_their_splits() =>
        Assert.Equal(["the pictures have 2 different sizes (height x width): 64x64 (train 2), 96x96 (val 1)"],
            _set.Add("val", 3, 0, 1, size: 96).Check(s_map).Warnings);

    [Fact]
    public void Colour_among_grey_pictures_is_named()
    {
        Image colour = DiscSet.Picture(3).ToRgb();
        _set.Add("val", "rgb", colour, DiscSet.Labels(3));
        Assert.Empty(_set.Check(s_map).Warnings);
        colour.Pixels[7] ^= 1;
        Assert.Equal(["the pictures have 2 different types of samples: 8 bits (train 2), 8 bits in colour (val 1)"],
            _set.Add("val", "rgb", colour, DiscSet.Labels(3)).Check(s_map).Warnings);
    }

    [Fact]
    public void Statistics_are_those_of_the_samples_of_every_type()
    {
        byte[] labels = new byte[4];
        void Check(RawImage image, double minimum, double maximum, double mean, double deviation)
        {
            ImageSummary summary = ImageSummary.Of("x", image, labels);
            Assert.Equal((minimum, maximum), (summary.Minimum, summary.Maximum));
            Assert.Equal(mean, summary.Mean, 12);
            Assert.Equal(deviation, summary.Deviation, 12);
        }

        Check(RawImage.Create([1, 2, 3, 6], 2, 2, 1), 1, 6, 3, Math.Sqrt(14 / 4.0));
        Check(RawImage.Create(new ushort[] { 1000, 2000, 3000, 6000 }, 2, 2, 1), 1000, 6000, 3000, 1000 * Math.Sqrt(14 / 4.0));
        Check(RawImage.Create([-0.5f, float.NaN, 1.5f, float.PositiveInfinity], 2, 2, 1), -0.5, 1.5, 0.5, 1);
        Check(RawImage.Create([float.NaN, float.NaN, float.NaN, float.NaN], 2, 2, 1), 0, 0, 0, 0);
        Assert.Equal(ImageSummary.Of("x", RawImage.Create([1, 2, 3, 6], 2, 2, 1), labels).ContentHash,
            ImageSummary.Of("y", RawImage.Create(new ushort[] { 257, 514, 771, 1542 }, 2, 2, 1), labels).ContentHash);
        Assert.NotEqual(ImageSummary.Of("x", RawImage.Create([1, 2, 3, 6], 2, 2, 1), labels).ContentHash,
            ImageSummary.Of("x", RawImage.Create([1, 2, 3, 6], 4, 1, 1), labels).ContentHash);
    }

    [Theory]
    [InlineData(0.3, 0)]
    [InlineData(1, 60)]
    [InlineData(0.3, 60)]
    public void Other_intensities_of_a_split_are_named(double gain, double offset)
    {
        IReadOnlyList<string> warnings = _set.Add("val", "a", DiscSet.Picture(3, gain: gain, offset: offset), DiscSet.Labels(3))
            .Check(s_map).Warnings;
        Assert.StartsWith("the pictures of val have other intensities than those of train: mean ", Assert.Single(warnings));
    }

    [Fact]
    public void A_picture_of_one_level_is_named() =>
        Assert.Contains("val/flat.png: every sample of the picture is 7",
            _set.Add("val", "flat", new Image([.. Enumerable.Repeat((byte)7, 64 * 64)], 64, 64, 1), DiscSet.Labels(3))
                .Check(s_map).Warnings);

    [Fact]
    public void A_far_brighter_picture_is_named()
    {
        // Small beside the others, so that the mean of all stays.
        IReadOnlyList<string> warnings = _set.Add("train", 4, 0, 1, size: 256)
            .Add("train", "bright", DiscSet.Picture(5, size: 32, gain: 0.2, offset: 215), DiscSet.Labels(5, 32)).Check(s_map).Warnings;
        Assert.Contains(warnings, warning => warning.StartsWith("far brighter or darker than the training pictures (mean ",
            StringComparison.Ordinal) && warning.Contains("train/bright.png ("));
    }

    [Fact]
    public void The_same_picture_in_two_splits_is_named_in_every_format()
    {
        Image picture = DiscSet.Picture(1);
        ImageFile.WritePng(_set.File("test/rgb.png"), picture.ToRgb());
        ImageFileTests.Save(_set.File("test/tiff.tif"), picture.Pixels, 64, 64, 1);
        ImageFileTests.Save<ushort>(_set.File("test/wide.tif"), [.. picture.Pixels.Select(sample => (ushort)(257 * sample))], 64, 64, 1);
        foreach (string name in new[] { "rgb", "tiff", "wide" })
            ImageFile.WritePng(_set.File($"test_annot/{name}.png"), new Image(DiscSet.Labels(1), 64, 64, 1));
        Assert.Contains("the same picture: train/im1.png, test/rgb.png, test/tiff.tif and test/wide.tif" + Unseen,
            _set.Check(s_map).Warnings);
    }

    [Fact]
    public void The_same_picture_with_another_mask_is_named()
    {
        DatasetCheck check = _set.Add("train", "again", DiscSet.Picture(1), DiscSet.Labels(9)).Check(s_map);
        Assert.Equal(["the same picture: train/again.png and train/im1.png, with different masks"], check.Warnings);
    }

    [Fact]
    public void A_copy_with_a_loss_or_another_brightness_is_nearly_the_same()
    {
        ImageFileTests.Save(_set.File("test/loss.jpg"), DiscSet.Picture(1, size: 128).Pixels, 128, 128, 1);
        _set.Add("train", "big1", DiscSet.Picture(1, size: 128), DiscSet.Labels(1, 128))
            .Add("test", "loss", DiscSet.Picture(1, size: 128), DiscSet.Labels(1, 128))
            .Add("train", "big2", DiscSet.Picture(2, size: 128), DiscSet.Labels(2, 128))
            .Add("test", "dim", DiscSet.Picture(2, size: 128, gain: 0.8, offset: 9), DiscSet.Labels(2, 128));
        File.Delete(_set.File("test/loss.png"));
        IReadOnlyList<string> warnings = _set.Check(s_map).Warnings;
        Assert.Contains("nearly the same picture: train/big1.png and test/loss.jpg" + Unseen, warnings);
        Assert.Contains("nearly the same picture: train/big2.png and test/dim.png" + Unseen, warnings);
    }

    [Fact]
    public void Different_pictures_are_not_nearly_the_same()
    {
        // The same uneven light and the same bar of text below every picture.
        PictureFingerprint Print(int seed)
        {
            byte[] pixels = DiscSet.Picture(seed, 128, gain: 0.3).Pixels;
            var text = new Random(5);
            for (int i = 0; i < pixels.Length; i++)
                pixels[i] = i / 128 >= 110 ? (byte)(255 * text.Next(2)) : (byte)(pixels[i] + 40 * Math.Sin(i % 128 / 40.0) + 40);
            return PictureFingerprint.Of(RawImage.Create(pixels, 128, 128, 1))!;
        }

        PictureFingerprint[] prints = [.. Enumerable.Range(0, 40).Select(Print)];
        for (int i = 0; i < prints.Length; i++)
            for (int j = 0; j < prints.Length; j++)
                Assert.Equal(i == j, prints[i].IsLike(prints[j]));
    }

    [Fact]
    public void Pixel_sizes_that_the_files_state_are_compared()
    {
        PutPngScale("train/im1.png", 20_000_000);
        PutPngScale("train/im2.png", 20_000_100);
        _set.Add("test", 3, 0, 1);
        // 72 dpi states no scale, and a picture without one is like all.
        PutPngScale("test/im3.png", 2835);
        DatasetCheck check = _set.Check(s_map);
        Assert.Empty(check.Warnings);
        Assert.Equal(["50 nm", "not stated"], check.Table.Rows.Single(row => row.Name == "pixel size").Cells);

        PutPngScale("test/im3.png", 10_000_000);
        Assert.Equal(["the pictures have 2 different pixel sizes: 50 nm (train 2), 100 nm (test 1)"], _set.Check(s_map).Warnings);
    }

    [Theory]
    // Resolution in centimetres; ImageJ's unit; microscopes' own fields; OME.
    [InlineData(3, 200_000, 1, 270, "x", 0.05)]
    [InlineData(2, 300, 1, 270, "a picture", null)]
    [InlineData(1, 20, 1, 270, "ImageJ=1.54f\nunit=micron\n", 0.05)]
    [InlineData(1, 20, 1, 270, "ImageJ=1.54f\nunit=\\u00B5m\n", 0.05)]
    [InlineData(1, 4, 100, 270, "ImageJ=1.54f\nunit=nm\n", 0.025)]
    [InlineData(1, 4, 0, 270, "ImageJ=1.54f\nunit=nm\n", null)]
    [InlineData(1, 1, 1, 34682, "[Scan]\r\nPixelWidth=5e-09\r\nPixelHeight=5e-09\r\n", 0.005)]
    [InlineData(1, 1, 1, 34118, "AP_WD\r\nWD = 5.1 mm\r\nAP_IMAGE_PIXEL_SIZE\r\nImage Pixel Size = 5.580 nm\r\n", 0.00558)]
    [InlineData(1, 1, 1, 270, "<OME><Pixels PhysicalSizeX=\"0.1\" PhysicalSizeXUnit=\"\u00b5m\"/></OME>", 0.1)]
    public void A_pixel_size_is_read_from_the_fields_of_a_tiff(
        int unit, uint numerator, uint denominator, int tag, string text, double? size)
    {
        foreach (bool little in new[] { true, false })
        {
            File.WriteAllBytes(_set.File("scale.tif"), Tiff(little, unit, numerator, denominator, tag, text));
            double? read = PixelSize.Read(_set.File("scale.tif"));
            Assert.Equal(size is null, read is null);
            Assert.Equal(size ?? 0, read ?? 0, 9);
        }
    }

    [Fact]
    public void A_cut_header_states_no_pixel_size()
    {
        byte[] file = Tiff(true, 3, 200_000, 1, 270, "text");
        for (int length = 0; length < file.Length; length++)
        {
            File.WriteAllBytes(_set.File("cut.tif"), file[..length]);
            Assert.True(PixelSize.Read(_set.File("cut.tif")) is null or > 0);
        }
    }

    private static byte[] Tiff(bool little, int unit, uint numerator, uint denominator, int tag, string text)
    {
        byte[] words = Encoding.UTF8.GetBytes(text + '\0'), file = new byte[8 + 2 + 3 * 12 + 4 + 8 + words.Length];
        (little ? "II*\0"u8 : "MM\0*"u8).CopyTo(file);
        void Write(int offset, uint value, int bytes)
        {
            if (bytes == 4 && little)
                BinaryPrimitives.WriteUInt32LittleEndian(file.AsSpan(offset), value);
            else if (bytes == 4)
                BinaryPrimitives.WriteUInt32BigEndian(file.AsSpan(offset), value);
            else if (little)
                BinaryPrimitives.WriteUInt16LittleEndian(file.AsSpan(offset), (ushort)value);
            else
                BinaryPrimitives.WriteUInt16BigEndian(file.AsSpan(offset), (ushort)value);
        }
        void Field(int index, int number, uint type, uint count)
        {
            Write(10 + 12 * index, (uint)number, 2);
            Write(12 + 12 * index, type, 2);
            Write(14 + 12 * index, count, 4);
        }
        int ratio = 50, words0 = 58;
        Write(4, 8, 4);
        Write(8, 3, 2);
        Field(0, tag, 2, (uint)words.Length);
        Write(18, (uint)words0, 4);
        Field(1, 282, 5, 1);
        Write(30, (uint)ratio, 4);
        Field(2, 296, 3, 1);
        Write(42, (uint)unit, 2);
        Write(ratio, numerator, 4);
        Write(ratio + 4, denominator, 4);
        words.CopyTo(file, words0);
        return file;
    }

    /// <summary>Inserts a pHYs chunk behind the header of a PNG file, or replaces the one that is there.</summary>
    private void PutPngScale(string name, uint perMetre)
    {
        byte[] file = File.ReadAllBytes(_set.File(name)), chunk = new byte[21];
        BinaryPrimitives.WriteUInt32BigEndian(chunk, 9);
        "pHYs"u8.CopyTo(chunk.AsSpan(4));
        BinaryPrimitives.WriteUInt32BigEndian(chunk.AsSpan(8), perMetre);
        BinaryPrimitives.WriteUInt32BigEndian(chunk.AsSpan(12), perMetre);
        chunk[16] = 1;
        BinaryPrimitives.WriteUInt32BigEndian(chunk.AsSpan(17), Crc(chunk.AsSpan(4, 13)));
        const int header = 8 + 25;
        int rest = file.AsSpan(header + 4).StartsWith("pHYs"u8) ? header + chunk.Length : header;
        File.WriteAllBytes(_set.File(name), [.. file[..header], .. chunk, .. file[rest..]]);
    }

    private static uint Crc(ReadOnlySpan<byte> bytes)
    {
        uint crc = 0xFFFFFFFF;
        foreach (byte value in bytes)
        {
            crc ^= value;
            for (int bit = 0; bit < 8; bit++)
                crc = (crc & 1) == 0 ? crc >> 1 : crc >> 1 ^ 0xEDB88320;
        }
        return ~crc;
    }
}
