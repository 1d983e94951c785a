using CsUnet.Data;
using CsUnet.Tests.Support;
using NetVips;
using Image = CsUnet.Data.Image;
using VipsImage = NetVips.Image;

namespace CsUnet.Tests.Data;

public class ImageFileTests
{
    private static readonly byte[] s_bytes = [.. Enumerable.Range(0, 6 * 5 * 4).Select(i => (byte)(i * 37))];

    [Theory]
    [InlineData("a.tif", 1)]
    [InlineData("a.tif", 3)]
    [InlineData("a.png", 1)]
    [InlineData("a b [1]#(2).png", 3)]
    public void Eight_bits_are_read_as_stored(string name, int channels)
    {
        using var folder = new TemporaryFolder();
        byte[] pixels = s_bytes[..(6 * 5 * channels)];
        Save(folder.File(name), pixels, 6, 5, channels);
        Image image = ImageFile.Read(folder.File(name));
        Assert.Equal($"6x5x{channels}", image.ToString());
        Assert.Equal(pixels, image.Pixels);
        Assert.Equal(pixels.Select(value => (ushort)value), ImageFile.ReadMask(folder.File(name)).Samples);
    }

    [Fact]
    public void Jpeg_is_read_as_image_and_refused_as_mask()
    {
        using var folder = new TemporaryFolder();
        byte[] grey = new byte[64 * 64];
        Array.Fill(grey, (byte)90);
        Save(folder.File("a.jpg"), grey, 64, 64, 1);
        Assert.All(ImageFile.Read(folder.File("a.jpg")).Pixels, value => Assert.InRange(value, (byte)89, (byte)91));
        Assert.Contains("JPEG", Assert.Throws<DataException>(() => ImageFile.ReadMask(folder.File("a.jpg"))).Message);
    }

    [Fact]
    public void Sixteen_bits_are_scaled_in_images_and_kept_in_masks()
    {
        using var folder = new TemporaryFolder();
        ushort[] samples = [0, 128, 129, 257, 32767, 65535];
        Save(folder.File("a.tif"), samples, 2, 3, 1);
        Assert.Equal(new byte[] { 0, 0, 1, 1, 127, 255 }, ImageFile.Read(folder.File("a.tif")).Pixels);
        MaskImage mask = ImageFile.ReadMask(folder.File("a.tif"));
        Assert.Equal(16, mask.Bits);
        Assert.Equal(samples, mask.Samples);
    }

    [Fact]
    public void Sixteen_bit_mask_with_alpha_gives_the_classes()
    {
        using var folder = new TemporaryFolder();
        ushort[] samples =
        [
            0, 0, 65535, 65535, 65535, 0, 0, 65535, 30000, 30000, 30000, 65535,
            0, 0, 65534, 65535, 0, 0, 65535, 65535, 65535, 65535, 65535, 65535,
        ];
        Save(folder.File("a.tif"), samples, 2, 3, 4);
        byte[] labels = ClassMap.NasaSuper.Label(ImageFile.ReadMask(folder.File("a.tif")), out string? unknown);
        Assert.Null(unknown);
        // 65534 is not pure blue: the comparison is exact, without rounding.
        Assert.Equal(new byte[] { 1, 2, 0, 0, 1, 0 }, labels);
    }

    [Fact]
    public void Opaque_alpha_is_dropped_and_transparency_blended_or_refused()
    {
        using var folder = new TemporaryFolder();
        Save(folder.File("opaque.png"), new byte[] { 10, 20, 30, 255, 40, 50, 60, 255 }, 1, 2, 4);
        Assert.Equal(new byte[] { 10, 20, 30, 40, 50, 60 }, ImageFile.Read(folder.File("opaque.png")).Pixels);
        Save(folder.File("glass.png"), new byte[] { 10, 20, 30, 255, 100, 200, 60, 128 }, 1, 2, 4);
        Assert.Equal(new byte[] { 10, 20, 30, 50, 100, 30 }, ImageFile.Read(folder.File("glass.png")).Pixels);
        Assert.Contains("row 0, column 1", Assert.Throws<DataException>(() => ImageFile.ReadMask(folder.File("glass.png"))).Message);
    }

    [Theory]
    [InlineData(".tif", 0.5)]
    [InlineData(".tif", 0.97)]
    [InlineData(".png", 0.5)]
    [InlineData(".jpg", 0.5)]
    [InlineData(".png", 0.001)]
    public void Truncated_files_are_errors(string ending, double share)
    {
        using var folder = new TemporaryFolder();
        var random = new Random(1);
        byte[] pixels = new byte[64 * 64 * 3];
        random.NextBytes(pixels);
        string path = folder.File("whole" + ending), cut = folder.File("cut" + ending);
        Save(path, pixels, 64, 64, 3);
        byte[] file = File.ReadAllBytes(path);
        File.WriteAllBytes(cut, file[..(int)Math.Max(8, file.Length * share)]);
        DataException failure = Assert.Throws<DataException>(() => ImageFile.Read(cut));
        Assert.StartsWith(cut, failure.Message);
        Assert.Equal(cut, failure.Path);
    }

    [Fact]
    public void Damaged_files_are_data_exceptions_or_whole_images()
    {
        using var folder = new TemporaryFolder();
        var random = new Random(2);
        byte[] pixels = new byte[32 * 32 * 3];
        random.NextBytes(pixels);
        int failures = 0;
        foreach (string ending in new[] { ".tif", ".png", ".jpg" })
        {
            Save(folder.File("whole" + ending), pixels, 32, 32, 3);
            byte[] file = File.ReadAllBytes(folder.File("whole" + ending));
            for (int i = 0; i < 60; i++)
            {
                byte[] damaged = [.. file];
                for (int hit = 0; hit < 4; hit++)
                    damaged[random.Next(i % 2 == 0 ? Math.Min(200, file.Length) : file.Length)] = (byte)random.Next(256);
                string path = folder.File($"damaged{i}{ending}");
                File.WriteAllBytes(path, damaged);
                Exception? failure = Record.Exception(() => Assert.NotEmpty(ImageFile.Read(path).Pixels));
                Assert.True(failure is null or DataException, $"{path}: {failure}");
                failures += failure is null ? 0 : 1;
            }
        }
        Assert.InRange(failures, 20, 180);
    }

    [Fact]
    public void Other_content_is_named()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("empty.tif"), "");
        File.WriteAllText(folder.File("page.png"), "<html></html>");
        File.WriteAllText(folder.File("pointer.tif"), "version https://git-lfs.github.com/spec/v1\noid sha256:0\n");
        Assert.Contains("empty", Assert.Throws<DataException>(() => ImageFile.Read(folder.File("empty.tif"))).Message);
        Assert.Contains("another format", Assert.Throws<DataException>(() => ImageFile.Read(folder.File("page.png"))).Message);
        Assert.Contains("git lfs pull", Assert.Throws<DataException>(() => ImageFile.Read(folder.File("pointer.tif"))).Message);
        Assert.Contains("cannot be read", Assert.Throws<DataException>(() => ImageFile.Read(folder.File("missing.tif"))).Message);
    }

    [Fact]
    public void Large_images_are_refused_before_decoding()
    {
        using var folder = new TemporaryFolder();
        Save(folder.File("a.png"), s_bytes[..30], 6, 5, 1);
        Assert.Contains("at most 29 pixels",
            Assert.Throws<DataException>(() => ImageFile.Read(folder.File("a.png"), maxPixels: 29)).Message);
        // A header that claims 2^31-1 by 2^31-1 pixels must not allocate memory, whether its checksum is right or wrong.
        byte[] file = File.ReadAllBytes(folder.File("a.png"));
        file[16] = file[20] = 0x7F;
        File.WriteAllBytes(folder.File("bomb.png"), file);
        Assert.Throws<DataException>(() => ImageFile.Read(folder.File("bomb.png")));
    }

    [Fact]
    public void Stacks_are_refused_and_previews_ignored()
    {
        using var folder = new TemporaryFolder();
        using VipsImage page = VipsImage.Black(8, 4);
        using VipsImage stack = VipsImage.Arrayjoin([page, page], across: 1).Mutate(image => image.Set(GValue.GIntType, "page-height", 4));
        stack.Tiffsave(folder.File("stack.tif"));
        Assert.Contains("stack of 2", Assert.Throws<DataException>(() => ImageFile.Read(folder.File("stack.tif"))).Message);

        using VipsImage large = VipsImage.Black(300, 200);
        large.Tiffsave(folder.File("pyramid.tif"), tile: true, tileWidth: 64, tileHeight: 64, pyramid: true);
        Assert.Equal("200x300x1", ImageFile.Read(folder.File("pyramid.tif")).ToString());
    }

    [Fact]
    public void Images_and_labels_survive_writing()
    {
        using var folder = new TemporaryFolder();
        var colour = new Image(s_bytes[..90], 6, 5, 3);
        var grey = new Image(s_bytes[..30], 6, 5, 1);
        ImageFile.WritePng(folder.File("c.png"), colour);
        ImageFile.WritePng(folder.File("sub/g.png"), grey);
        Assert.Equal(colour.Pixels, ImageFile.Read(folder.File("c.png")).Pixels);
        Assert.Equal(grey.Pixels, ImageFile.Read(folder.File("sub/g.png")).Pixels);

        byte[] labels = [0, 1, 2, 2, 1, 0];
        ImageFile.WriteLabelPng(folder.File("l.png"), labels, 2, 3, ClassMap.NasaSuper.Palette);
        Assert.Equal(labels.Select(value => (ushort)value), ImageFile.ReadMask(folder.File("l.png"), paletteIndices: true).Samples);
        Assert.Equal(labels, ClassMap.NasaSuper.Label(ImageFile.ReadMask(folder.File("l.png")), out _));
        Assert.Equal(new byte[] { 128, 128, 128, 0, 0, 255 }, ImageFile.Read(folder.File("l.png")).Pixels[..6]);
        Assert.Throws<ArgumentException>(() => ImageFile.WriteLabelPng(folder.File("l.png"), [3], 1, 1, ClassMap.NasaSuper.Palette));
        Assert.DoesNotContain(Directory.EnumerateFiles(folder.Path), file => file.EndsWith(".tmp", StringComparison.Ordinal));
    }

    [Fact]
    public void Unwritable_places_are_data_exceptions()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("file"), "");
        var image = new Image(new byte[1], 1, 1, 1);
        Assert.Throws<DataException>(() => ImageFile.WritePng(Path.Combine(folder.File("file"), "a.png"), image));
    }

    internal static void Save<T>(string path, T[] samples, int height, int width, int channels) where T : unmanaged
    {
        Enums.BandFormat format = typeof(T) == typeof(byte) ? Enums.BandFormat.Uchar
            : typeof(T) == typeof(ushort) ? Enums.BandFormat.Ushort
            : Enums.BandFormat.Float;
        using VipsImage raw = VipsImage.NewFromMemoryCopy<T>(samples, width, height, channels, format);
        Enums.Interpretation interpretation = (format, channels) switch
        {
            (Enums.BandFormat.Ushort, <= 2) => Enums.Interpretation.Grey16,
            (Enums.BandFormat.Ushort, _) => Enums.Interpretation.Rgb16,
            (_, <= 2) => Enums.Interpretation.Bw,
            _ => Enums.Interpretation.Srgb,
        };
        using VipsImage image = raw.Copy(interpretation: interpretation);
        byte[] file = Path.GetExtension(path) switch
        {
            ".tif" => image.TiffsaveBuffer(),
            ".png" => image.PngsaveBuffer(),
            _ => image.JpegsaveBuffer(),
        };
        File.WriteAllBytes(path, file);
    }
}
