using System.Diagnostics;
using CsUnet.Data;
using CsUnet.Tests.Support;
using NetVips;
using Image = CsUnet.Data.Image;
using VipsImage = NetVips.Image;

namespace CsUnet.Tests.Data;

/// <summary>A damaged file never gives a partial picture, and is never mixed up with another.</summary>
public class DamagedImageTests
{
    private static TiffPage Page(int tile, int compression, bool planar = false) =>
        new(64, 64, (y, x, c) => (ulong)(y * 31 + x * 17 + c * 5 + y * x) & 255)
        {
            Samples = planar ? 3 : 1, Photometric = planar ? 2 : 1, IsPlanar = planar, Tile = tile, RowsPerStrip = 8,
            Compression = compression,
        };

    [Theory]
    [InlineData(0, 1, false)]
    [InlineData(0, 8, false)]
    [InlineData(0, 32773, false)]
    [InlineData(0, 8, true)]
    [InlineData(16, 1, false)]
    [InlineData(16, 8, false)]
    [InlineData(16, 32773, false)]
    [InlineData(16, 1, true)]
    public void A_block_that_is_missing_short_or_beyond_the_end_is_refused(int tile, int compression, bool planar)
    {
        using var folder = new TemporaryFolder();
        TiffPage page = Page(tile, compression, planar);
        List<byte[]> blocks = page.Blocks(true);
        (int offsets, int counts) = tile > 0 ? (324, 325) : (273, 279);
        long[] places = [.. Enumerable.Range(0, blocks.Count).Select(i => 8 + blocks.Take(i).Sum(block => (long)block.Length))];
        Assert.Equal("64x64", ImageFile.Read(folder.Save("a.tif", TiffWriter.Write(page))).ToString()[..5]);
        string Write(params (int Tag, long[] Values)[] fields)
        {
            TiffPage changed = page with { Fields = fields.ToDictionary(field => field.Tag, field => field.Values) };
            return folder.Save("a.tif", TiffWriter.Write(changed));
        }
        long[] With(long[] values, int index, long value) => [.. values.Select((old, i) => i == index ? value : old)];
        long[] lengths = [.. blocks.Select(block => (long)block.Length)];
        foreach (int index in new[] { 0, blocks.Count / 2, blocks.Count - 1 })
        {
            ImageCases.RefusesAsDamaged(Write((offsets, With(places, index, 0))), $"{index + 1} of {blocks.Count} has no data");
            ImageCases.RefusesAsDamaged(Write((counts, With(lengths, index, 0))), $"{index + 1} of {blocks.Count} has no data");
            ImageCases.RefusesAsDamaged(Write((counts, With(lengths, index, lengths[index] / 2))), $"{index + 1} of {blocks.Count}");
            ImageCases.RefusesAsDamaged(Write((offsets, With(places, index, 1_000_000))), "beyond the end");
            ImageCases.RefusesAsDamaged(Write((counts, With(lengths, index, 1_000_000))), "beyond the end");
        }
        ImageCases.RefusesAsDamaged(Write((offsets, places[..(places.Length / 2)])), "are listed");
        ImageCases.RefusesAsDamaged(Write((offsets, [])), "0 of the");
        ImageCases.RefusesAsDamaged(Write((257, [256])), "of the");
        ImageCases.RefusesAsDamaged(Write((256, [256])), "of");
    }

    [Theory]
    [InlineData(Enums.ForeignTiffCompression.None, false)]
    [InlineData(Enums.ForeignTiffCompression.None, true)]
    [InlineData(Enums.ForeignTiffCompression.Lzw, false)]
    [InlineData(Enums.ForeignTiffCompression.Lzw, true)]
    [InlineData(Enums.ForeignTiffCompression.Deflate, false)]
    [InlineData(Enums.ForeignTiffCompression.Deflate, true)]
    [InlineData(Enums.ForeignTiffCompression.Packbits, false)]
    [InlineData(Enums.ForeignTiffCompression.Jpeg, false)]
    [InlineData(Enums.ForeignTiffCompression.Jpeg, true)]
    [InlineData(Enums.ForeignTiffCompression.Ccittfax4, false)]
    public void Cuts_and_holes_give_no_partial_picture(Enums.ForeignTiffCompression compression, bool tile)
    {
        using var folder = new TemporaryFolder();
        var random = new Random(3);
        bool isFax = compression == Enums.ForeignTiffCompression.Ccittfax4;
        byte[] pixels = [.. Enumerable.Range(0, 200 * 160)
            .Select(i => isFax ? (byte)(i / 160 * (i % 160) % 37 < 9 ? 255 : 0) : (byte)(i % 160 + random.Next(50)))];
        using VipsImage image = VipsImage.NewFromMemoryCopy<byte>(pixels, 160, 200, 1, Enums.BandFormat.Uchar);
        byte[] file = image.TiffsaveBuffer(compression: compression, tile: tile, tileWidth: 64, tileHeight: 64, q: 80,
            bitdepth: isFax ? 1 : 0);
        byte[] whole = ImageFile.Read(folder.Save("whole.tif", file)).Pixels;
        for (int i = 1; i < 20; i++)
        {
            string cut = folder.Save("a.tif", file[..(file.Length * i / 20)]);
            Exception? failure = Record.Exception(() => Assert.Equal(whole, ImageFile.Read(cut).Pixels));
            Assert.True(failure is null or DataException, $"cut at {i} of 20: {failure}");
        }
        // Zeros in the data: a code stream cannot go on as if nothing were.
        int refused = 0, tries = 0;
        for (int at = 400; at + 800 < file.Length; at += file.Length / 12)
        {
            byte[] hole = [.. file];
            hole.AsSpan(at, 400).Clear();
            string path = folder.Save("a.tif", hole);
            Exception? failure = Record.Exception(() => ImageFile.Read(path));
            Assert.True(failure is null or DataException, $"hole at {at}: {failure}");
            (tries, refused) = (tries + 1, refused + (failure is null ? 0 : 1));
        }
        // Plain samples and PackBits have no redundancy that would show it.
        if (compression is Enums.ForeignTiffCompression.Lzw or Enums.ForeignTiffCompression.Deflate or Enums.ForeignTiffCompression.Jpeg)
            Assert.True(refused == tries && tries > 3, $"{refused} of {tries} holes were refused");
    }

    [Fact]
    public void A_cut_tiled_file_of_another_program_is_refused() =>
        ImageCases.RefusesAsDamaged(ImageCases.Path("cut50-tiled-tif.tif"), "tile 2 of 4 lies beyond the end");

    [Fact]
    public void Many_threads_get_the_messages_of_their_own_files()
    {
        using var folder = new TemporaryFolder();
        byte[] jpeg = JpegFileTests.Write(64, 64, 3), grey = JpegFileTests.Write(80, 48, 1, progressive: true);
        using VipsImage black = VipsImage.Black(40, 40, 1);
        byte[] fax = black.TiffsaveBuffer(compression: Enums.ForeignTiffCompression.Ccittfax4, bitdepth: 1);
        string[] paths =
        [
            folder.Save("sound.jpg", jpeg), folder.Save("sound-progressive.jpg", grey), folder.Save("fax.tif", fax),
            folder.Save("tile.tif", TiffWriter.Write(Page(16, 8))), folder.Save("hole.jpg", [.. jpeg[..(jpeg.Length / 2)], 0xFF, 0xD9]),
            folder.Save("cut.jpg", jpeg[..(jpeg.Length / 2)]),
            folder.Save("empty.jpg", [.. jpeg[..JpegFileTests.ScanStart(jpeg)], 0xFF, 0xD9]),
            folder.Save("short.tif", TiffWriter.Write(Page(16, 1))[..3000]),
            folder.Save("cut-progressive.jpg", [.. grey[..(grey.Length / 2)], 0xFF, 0xD9]),
        ];
        string Result(string path)
        {
            try
            {
                Image image = ImageFile.Read(path);
                return $"{image} {Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(image.Pixels))}";
            }
            catch (DataException failure)
            {
                return failure.Message;
            }
        }
        string[] alone = [.. paths.Select(Result)];
        Assert.All(alone[..4], result => Assert.DoesNotContain("damaged", result));
        Assert.All(alone[4..], result => Assert.Contains("damaged", result));
        Parallel.For(0, 400, new ParallelOptions { MaxDegreeOfParallelism = 16 },
            i => Assert.Equal(alone[i % paths.Length], Result(paths[i % paths.Length])));
    }

    [Fact]
    public async Task Only_regular_files_are_opened()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Skipped: pipes and devices are files of Unix");
        using var folder = new TemporaryFolder();
        string pipe = folder.File("pipe.tif"), link = folder.File("link.png"), sound = folder.File("sound.png");
        using (Process process = Process.Start("mkfifo", [pipe]))
            await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        File.CreateSymbolicLink(link, pipe);
        ImageFile.WritePng(sound, new Image(new byte[4], 2, 2, 1));
        File.CreateSymbolicLink(folder.File("good.png"), sound);
        foreach (string path in new[] { pipe, link, "/dev/null", "/dev/zero" })
        {
            Task<DataException> read = Task.Run(() => Assert.Throws<DataException>(() => ImageFile.Read(path)),
                TestContext.Current.CancellationToken);
            DataException failure = await read.WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken);
            Assert.Contains("pipe or device", failure.Message);
        }
        Assert.Contains("a folder", Assert.Throws<DataException>(() => ImageFile.Read(folder.Path)).Message);
        File.CreateSymbolicLink(folder.File("lost.png"), folder.File("nothing"));
        Assert.Contains("no such file", Assert.Throws<DataException>(() => ImageFile.Read(folder.File("lost.png"))).Message);
        Assert.Equal("2x2x1", ImageFile.Read(folder.File("good.png")).ToString());
    }
}
