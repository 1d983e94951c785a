using CsUnet.Data;
using CsUnet.Tests.Support;
using NetVips;
using Image = CsUnet.Data.Image;
using VipsImage = NetVips.Image;

namespace CsUnet.Tests.Data;

/// <summary>TIFF files whose strips and tiles another library decodes.</summary>
public class ForeignBlocksTests
{
    [Fact]
    public void Jpeg_inside_is_read_as_picture_and_refused_as_mask()
    {
        using var folder = new TemporaryFolder();
        using VipsImage raw = VipsImage.NewFromMemoryCopy<byte>(
            [.. Enumerable.Range(0, 80 * 70 * 3).Select(i => (byte)(i / 3 / 80 + 40 * (i % 3)))], 80, 70, 3, Enums.BandFormat.Uchar);
        using VipsImage image = raw.Copy(interpretation: Enums.Interpretation.Srgb);
        foreach (bool tile in new[] { true, false })
            foreach (int quality in new[] { 60, 95 }) // YCbCr with and without subsampling
            {
                byte[] file = image.TiffsaveBuffer(compression: Enums.ForeignTiffCompression.Jpeg, q: quality, tile: tile, tileWidth: 32,
                    tileHeight: 32);
                using VipsImage expected = VipsImage.TiffloadBuffer(file);
                string path = folder.Save("a.tif", file);
                Assert.Equal(expected.WriteToMemory<byte>(), ImageFile.Read(path).Pixels);
                ImageCases.RefusesAsSound(path, "JPEG inside a TIFF", mask: true);
            }
        ImageCases.RefusesAsSound(ImageCases.Path("mask-jpegintif.tif"), "JPEG inside a TIFF", mask: true);
    }

    [Fact]
    public void Webp_inside_is_a_mask_only_without_loss()
    {
        using var folder = new TemporaryFolder();
        byte[] pixels = [.. Enumerable.Range(0, 30 * 20 * 3).Select(i => (byte)(i * 7919 % 104729 & 127))];
        using VipsImage raw = VipsImage.NewFromMemoryCopy<byte>(pixels, 30, 20, 3, Enums.BandFormat.Uchar);
        using VipsImage image = raw.Copy(interpretation: Enums.Interpretation.Srgb);
        foreach (bool lossless in new[] { true, false })
        {
            byte[] webp = image.WebpsaveBuffer(lossless: lossless, exact: true);
            var page = new TiffPage(20, 30, (_, _, _) => 0)
            {
                Samples = 3, Photometric = 2, Fields = { [259] = [50001] }, Change = (_, _) => webp,
            };
            string path = folder.Save("a.tif", TiffWriter.Write(page));
            Image read = ImageFile.Read(path);
            Assert.Equal("20x30x3", read.ToString());
            if (lossless)
            {
                Assert.Equal(pixels, read.Pixels);
                Assert.Equal(pixels.Select(value => (ushort)value), ImageFile.ReadMask(path).Samples);
            }
            else
            {
                ImageCases.RefusesAsSound(path, "lossy WebP", mask: true);
            }
        }
    }

    [Fact]
    public void Fax_is_read_exactly()
    {
        using var folder = new TemporaryFolder();
        byte[] pixels = [.. Enumerable.Range(0, 45 * 33).Select(i => (byte)(i / 45 * i % 45 % 11 < 4 ? 255 : 0))];
        using VipsImage image = VipsImage.NewFromMemoryCopy<byte>(pixels, 45, 33, 1, Enums.BandFormat.Uchar);
        foreach (bool isWhiteZero in new[] { true, false })
        {
            string path = folder.Save("a.tif", image.TiffsaveBuffer(compression: Enums.ForeignTiffCompression.Ccittfax4, bitdepth: 1,
                miniswhite: isWhiteZero));
            Assert.Equal(pixels, ImageFile.Read(path).Pixels);
            MaskImage mask = ImageFile.ReadMask(path);
            Assert.Equal(1, mask.Bits);
            Assert.Equal(pixels.Select(value => (ushort)(value == 255 != isWhiteZero ? 1 : 0)), mask.Samples);
        }
    }
}
