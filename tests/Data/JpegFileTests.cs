using CsUnet.Data;
using CsUnet.Tests.Support;
using NetVips;
using VipsImage = NetVips.Image;

namespace CsUnet.Tests.Data;

/// <summary>JPEG files: sound ones, and damage that a decoder only warns of.</summary>
public class JpegFileTests
{
    internal static byte[] Write(int height, int width, int bands, bool progressive = false, int restart = 0)
    {
        var random = new Random(5);
        byte[] pixels = [.. Enumerable.Range(0, height * width * bands).Select(i => (byte)(i / bands % width + random.Next(60)))];
        using VipsImage raw = VipsImage.NewFromMemoryCopy<byte>(pixels, width, height, bands, Enums.BandFormat.Uchar);
        using VipsImage image = raw.Copy(interpretation: bands == 1 ? Enums.Interpretation.Bw : Enums.Interpretation.Srgb);
        return image.JpegsaveBuffer(q: 90, interlace: progressive, restartInterval: restart);
    }

    // The first byte of the first scan's data.
    internal static int ScanStart(byte[] jpeg)
    {
        int scan = jpeg.AsSpan().IndexOf((ReadOnlySpan<byte>)[0xFF, 0xDA]);
        return scan + 2 + (jpeg[scan + 2] << 8 | jpeg[scan + 3]);
    }

    [Theory]
    [InlineData(1, false)]
    [InlineData(3, false)]
    [InlineData(1, true)]
    [InlineData(3, true)]
    public void Sound_files_are_read_as_the_library_decodes_them(int bands, bool progressive)
    {
        using var folder = new TemporaryFolder();
        foreach (int restart in new[] { 0, 2 })
        {
            byte[] file = Write(75, 50, bands, progressive, restart);
            using VipsImage expected = VipsImage.JpegloadBuffer(file);
            Assert.Equal(expected.WriteToMemory<byte>(), ImageFile.Read(folder.Save("a.jpg", file)).Pixels);
            ImageCases.RefusesAsSound(folder.Save("a.jpg", file), "the mask is a JPEG", mask: true);
            // Thumbnails, a second picture behind the end, and zeros are no damage.
            Assert.Equal(expected.WriteToMemory<byte>(), ImageFile.Read(folder.Save("a.jpg", [.. file, 0, 0, .. file])).Pixels);
        }
    }

    [Fact]
    public void Holes_of_real_size_are_refused()
    {
        ImageCases.RefusesAsDamaged(ImageCases.Path("hole.jpg"), "premature end of data segment");
        DataException failure = Assert.Throws<DataException>(() => ImageFile.Read(ImageCases.Path("hole-jpg.tif")));
        Assert.Contains("strip 1: VipsJpeg: Corrupt JPEG data", failure.Message);
        Assert.Contains("damaged", failure.Message);
    }

    [Theory]
    [InlineData(1, false)]
    [InlineData(3, false)]
    [InlineData(1, true)]
    [InlineData(3, true)]
    public void Missing_data_are_refused_wherever_they_are(int bands, bool progressive)
    {
        using var folder = new TemporaryFolder();
        byte[] file = Write(96, 64, bands, progressive);
        int start = ScanStart(file), length = file.Length - 2 - start;
        for (int eighth = 0; eighth < 8; eighth++)
        {
            // Without the rest, as cut off or closed by a marker; the last eighth lies in the last rows.
            int at = start + Math.Max(2, length * eighth / 8);
            at -= file[at - 1] == 0xFF ? 1 : 0;
            ImageCases.RefusesAsDamaged(folder.Save("a.jpg", file[..at]), "cannot be decoded");
            ImageCases.RefusesAsDamaged(folder.Save("a.jpg", [.. file[..at], 0xFF, 0xD9]), "cannot be decoded");
        }
        ImageCases.RefusesAsDamaged(folder.Save("a.jpg", [.. file[..^20], 0xFF, 0xD9]), "cannot be decoded");
    }

    [Fact]
    public void Sizes_that_the_data_cannot_fill_are_refused()
    {
        using var folder = new TemporaryFolder();
        byte[] file = Write(40, 40, 1);
        int height = file.AsSpan().IndexOf((ReadOnlySpan<byte>)[0xFF, 0xC0]) + 5;
        foreach (int rows in new[] { 65000, 1000, 48 })
        {
            byte[] changed = [.. file];
            (changed[height], changed[height + 1]) = ((byte)(rows >> 8), (byte)rows);
            ImageCases.RefusesAsDamaged(folder.Save("a.jpg", changed), rows > 40000 ? "too few" : "premature end of data segment");
        }
    }

    [Fact]
    public void Unused_scan_parameters_of_cameras_are_no_damage()
    {
        using var folder = new TemporaryFolder();
        byte[] file = Write(40, 40, 3);
        byte[] pixels = ImageFile.Read(folder.Save("a.jpg", file)).Pixels;
        int parameters = ScanStart(file) - 3;
        Assert.Equal(new byte[] { 0, 63, 0 }, file[parameters..(parameters + 3)]);
        (file[parameters], file[parameters + 1]) = (1, 0);
        Assert.Equal(pixels, ImageFile.Read(folder.Save("a.jpg", file)).Pixels);
        // But damage behind them is seen.
        ImageCases.RefusesAsDamaged(folder.Save("a.jpg", [.. file[..^40], 0xFF, 0xD9]), "cannot be decoded");
    }

    [Fact]
    public void Other_kinds_are_refused_as_what_they_are()
    {
        using var folder = new TemporaryFolder();
        byte[] file = Write(40, 40, 1);
        int frame = file.AsSpan().IndexOf((ReadOnlySpan<byte>)[0xFF, 0xC0]);
        byte[] Changed(int offset, byte value)
        {
            byte[] changed = [.. file];
            changed[frame + offset] = value;
            return changed;
        }
        ImageCases.RefusesAsSound(folder.Save("a.jpg", Changed(1, 0xC3)), "lossless");
        ImageCases.RefusesAsSound(folder.Save("a.jpg", Changed(1, 0xC9)), "arithmetically coded");
        ImageCases.RefusesAsSound(folder.Save("a.jpg", Changed(4, 12)), "12 bits");
        var inside = new TiffPage(40, 40, (_, _, _) => 0) { Fields = { [259] = [7] }, Change = (_, _) => Changed(1, 0xC3) };
        ImageCases.RefusesAsSound(folder.Save("a.tif", TiffWriter.Write(inside)), "lossless");
        using VipsImage black = VipsImage.Black(16, 16, 4);
        using VipsImage cmyk = black.Copy(interpretation: Enums.Interpretation.Cmyk);
        ImageCases.RefusesAsSound(folder.Save("a.jpg", cmyk.JpegsaveBuffer()), "CMYK");
    }
}
