using CsUnet.Data;
using CsUnet.Tests.Support;
using NetVips;
using VipsImage = NetVips.Image;

namespace CsUnet.Tests.Data;

/// <summary>PNG files of every colour type, depth and interlacing, and damaged ones.</summary>
public class PngFileTests
{
    private static int Mixed(int y, int x, int c, int bits) => (y * 7919 + x * 104729 + c * 12345) % (1 << bits);

    [Theory]
    [InlineData(0, 1)]
    [InlineData(0, 2)]
    [InlineData(0, 4)]
    [InlineData(0, 8)]
    [InlineData(0, 16)]
    [InlineData(2, 8)]
    [InlineData(2, 16)]
    [InlineData(4, 8)]
    [InlineData(4, 16)]
    [InlineData(6, 8)]
    [InlineData(6, 16)]
    public void Every_type_and_size_is_read_as_stored(int type, int bits)
    {
        using var folder = new TemporaryFolder();
        int samples = type switch { 2 => 3, 4 => 2, 6 => 4, _ => 1 }, colours = type is 4 or 6 ? samples - 1 : samples;
        foreach ((int height, int width) in new[] { (1, 1), (2, 5), (9, 13), (17, 8) })
            foreach (bool interlaced in new[] { true, false })
            {
                byte[] file = PngFileWriter.Write(height, width, bits, type,
                    (y, x, c) => c == colours ? (1 << bits) - 1 : Mixed(y, x, c, bits), interlaced);
                string path = folder.Save("a.png", file);
                int[] expected = [.. Enumerable.Range(0, height * width * colours)
                    .Select(i => Mixed(i / colours / width, i / colours % width, i % colours, bits))];
                Assert.Equal(expected, ImageFile.ReadMask(path).Samples.Select(value => (int)value));
                RawImage raw = ImageFile.ReadRaw(path);
                Assert.Equal(expected, raw.Words?.Select(value => (int)value) ?? raw.Bytes!.Select(value => (int)value));
                Assert.Equal(bits, raw.Bits);
                // Another reader agrees that the file is what it should be.
                using VipsImage other = VipsImage.NewFromBuffer(file);
                Assert.Equal((height, width, samples), (other.Height, other.Width, other.Bands));
            }
    }

    [Fact]
    public void A_transparent_colour_is_black_in_pictures_and_refused_in_masks()
    {
        using var folder = new TemporaryFolder();
        string grey = folder.Save("a.png", PngFileWriter.Write(1, 4, 4, 0, (_, x, _) => x + 5, chunks: [("tRNS", [0, 7])]));
        Assert.Equal(new byte[] { 5, 6, 0, 8 }, ImageFile.ReadRaw(grey).Bytes);
        ImageCases.RefusesAsSound(grey, "the mask is transparent at row 0, column 2", mask: true);
        string colour = folder.Save("b.png",
            PngFileWriter.Write(1, 2, 16, 2, (_, x, c) => 1000 * x + c, true, ("tRNS", [3, 0xE8, 3, 0xE9, 3, 0xEA])));
        Assert.Equal(new ushort[] { 0, 1, 2, 0, 0, 0 }, ImageFile.ReadRaw(colour).Words);
        string unused = folder.Save("c.png", PngFileWriter.Write(1, 4, 4, 0, (_, x, _) => x, chunks: [("tRNS", [0, 15])]));
        Assert.Equal(new ushort[] { 0, 1, 2, 3 }, ImageFile.ReadMask(unused).Samples);
    }

    [Fact]
    public void An_animation_is_refused_as_a_stack_is()
    {
        using var folder = new TemporaryFolder();
        byte[] Write(byte frames) => PngFileWriter.Write(2, 2, 8, 0, (_, _, _) => 1, chunks: [("acTL", [0, 0, 0, frames, 0, 0, 0, 0])]);
        ImageCases.RefusesAsSound(folder.Save("a.png", Write(2)), "an animation of 2 images");
        Assert.Equal(1, ImageFile.Read(folder.Save("b.png", Write(1))).Pixels[3]);
    }

    [Fact]
    public void Every_cut_and_every_flip_of_needed_bytes_is_refused()
    {
        using var folder = new TemporaryFolder();
        foreach (bool interlaced in new[] { true, false })
        {
            byte[] file = PngFileWriter.Write(9, 13, 8, 2, (y, x, c) => Mixed(y, x, c, 8), interlaced);
            byte[] whole = ImageFile.Read(folder.Save("whole.png", file)).Pixels;
            for (int cut = 8; cut < file.Length; cut += 7)
                ImageCases.RefusesAsDamaged(folder.Save("a.png", file[..cut]), "cannot be decoded");
            for (int at = 8; at < file.Length - 12; at += 5)
            {
                byte[] flipped = [.. file];
                flipped[at] ^= 0x10;
                string path = folder.Save("a.png", flipped);
                Exception? failure = Record.Exception(() => Assert.Equal(whole, ImageFile.Read(path).Pixels));
                Assert.True(failure is null or DataException, $"byte {at}: {failure}");
                Assert.False(failure is null && at > 33, $"byte {at} was changed and the file was read");
            }
        }
    }

    [Fact]
    public void Damage_with_right_checksums_is_refused()
    {
        using var folder = new TemporaryFolder();
        byte[] file = PngFileWriter.Write(9, 13, 8, 0, (y, x, _) => Mixed(y, x, 0, 8));
        int data = file.AsSpan().IndexOf("IDAT"u8) - 4;
        byte[] head = file[..data], end = PngFileWriter.Chunk("IEND", []);
        int Length(int at) => file[at + 2] << 8 | file[at + 3];
        int second = data + 12 + Length(data);
        byte[] zlib = [.. file[(data + 8)..(data + 8 + Length(data))], .. file[(second + 8)..(second + 8 + Length(second))]];
        byte[] Joined(byte[] stream) => [.. head, .. PngFileWriter.Chunk("IDAT", stream), .. end];
        Assert.Equal("9x13x1", ImageFile.Read(folder.Save("a.png", Joined(zlib))).ToString());
        ImageCases.RefusesAsDamaged(folder.Save("a.png", Joined(zlib[..^20])), "end in row");
        byte[] checksum = [.. zlib];
        checksum[^1] ^= 1;
        ImageCases.RefusesAsDamaged(folder.Save("a.png", Joined(checksum)), "cannot be decoded");
        ImageCases.RefusesAsDamaged(folder.Save("a.png", Joined([0x12, 0x34, .. zlib])), "row 0");
        ImageCases.RefusesAsDamaged(folder.Save("a.png", [.. head, .. end]), "no picture data");
        ImageCases.RefusesAsDamaged(folder.Save("a.png", file[..^12]), "ends before");
        ImageCases.RefusesAsSound(folder.Save("a.png", [.. head, .. PngFileWriter.Chunk("ABCD", [1]), .. file[data..]]), "unknown kind");
        // Bytes behind the end, and a damaged text, do not matter.
        byte[] text = PngFileWriter.Chunk("tEXt", "Title"u8.ToArray());
        text[^1] ^= 1;
        Assert.Equal("9x13x1", ImageFile.Read(folder.Save("a.png", [.. head, .. text, .. file[data..], 1, 2, 3])).ToString());
    }

    [Fact]
    public void Sizes_that_the_data_cannot_fill_take_no_memory()
    {
        using var folder = new TemporaryFolder();
        byte[] file = PngFileWriter.Write(9, 13, 8, 0, (y, x, _) => Mixed(y, x, 0, 8));
        byte[] header = [0, 0, 0x60, 0, 0, 0, 0x60, 0, 8, 0, 0, 0, 0];
        string path = folder.Save("a.png", [.. file[..8], .. PngFileWriter.Chunk("IHDR", header), .. file[33..]]);
        long before = GC.GetTotalAllocatedBytes();
        ImageCases.RefusesAsDamaged(path, "too few for 24576x24576 pixels");
        Assert.InRange(GC.GetTotalAllocatedBytes() - before, 0, 10_000_000);
        Assert.Equal(24576, ImageFile.ReadHeader(path).Height);
    }
}
