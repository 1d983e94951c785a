using CsUnet.Data;
using CsUnet.Tests.Support;
using NetVips;
using VipsImage = NetVips.Image;

namespace CsUnet.Tests.Data;

/// <summary>Which files hold one picture, and which hold several.</summary>
public class TiffPagesTests
{
    private static TiffPage Page(int height, int width, byte value, long[]? subfile = null, long[]? oldSubfile = null, int tile = 0) =>
        new(height, width, (_, _, _) => value) { Tile = tile, Fields = { [254] = subfile ?? [], [255] = oldSubfile ?? [] } };

    [Theory]
    [InlineData("imagej-stack.tif", "a stack of 3 images")]
    [InlineData("thumb-smaller-third.tif", "a stack of 2 images")]
    public void Stacks_of_other_programs_are_refused_alike(string name, string reason)
    {
        ImageCases.RefusesAsSound(ImageCases.Path(name), reason);
        ImageCases.RefusesAsSound(ImageCases.Path(name), reason, mask: true);
        Assert.Throws<DataException>(() => ImageFile.ReadHeader(ImageCases.Path(name)));
    }

    [Theory]
    [InlineData(20, 30)]
    [InlineData(10, 15)]
    [InlineData(5, 30)]
    [InlineData(40, 60)]
    public void An_unmarked_second_page_is_a_second_image_whatever_its_size(int height, int width)
    {
        using var folder = new TemporaryFolder();
        foreach (bool little in new[] { true, false })
            foreach (bool big in new[] { true, false })
            {
                string path = folder.Save("a.tif",
                    TiffWriter.Write(little, big, [Page(20, 30, 1), Page(height, width, 2)], []));
                ImageCases.RefusesAsSound(path, "a stack of 2 images");
                ImageCases.RefusesAsSound(path, "a stack of 2 images", mask: true);
            }
    }

    [Fact]
    public void Marked_copies_belong_to_the_picture()
    {
        using var folder = new TemporaryFolder();
        TiffPage picture = Page(20, 30, 7);
        foreach (TiffPage copy in new[] { Page(20, 30, 1, [1]), Page(3, 3, 1, [1]), Page(7, 9, 1, oldSubfile: [2]), Page(5, 5, 1, [9]) })
        {
            // Before and behind the picture, and in a sub-directory.
            foreach (byte[] file in new[]
            {
                TiffWriter.Write(picture, copy), TiffWriter.Write(copy, picture), TiffWriter.Write(picture, copy, copy),
                TiffWriter.Write(true, false, [picture], [copy]), TiffWriter.Write(true, true, [copy], [picture]),
            })
            {
                RawImage raw = ImageFile.ReadRaw(folder.Save("a.tif", file));
                Assert.Equal((20, 30, 7), (raw.Height, raw.Width, raw.Bytes![599]));
                Assert.Empty(raw.Notices);
            }
        }
        // The only page is the picture, whatever its mark says; an unmarked thumbnail in a sub-directory is smaller.
        Assert.Equal(7, ImageFile.ReadRaw(folder.Save("a.tif", TiffWriter.Write(Page(20, 30, 7, [1])))).Bytes![0]);
        Assert.Equal(7, ImageFile.ReadRaw(folder.Save("a.tif", TiffWriter.Write(true, false, [picture], [Page(4, 6, 1)]))).Bytes![0]);
        ImageCases.RefusesAsSound(folder.Save("a.tif", TiffWriter.Write(true, false, [picture], [Page(40, 60, 1)])), "a larger one");
        ImageCases.RefusesAsSound(folder.Save("a.tif", TiffWriter.Write(picture, Page(3, 3, 1, [1]), picture)), "a stack of 2 images");
        ImageCases.RefusesAsSound(folder.Save("a.tif", TiffWriter.Write(Page(20, 30, 7, [2]), Page(20, 30, 8, [2]))), "a stack of 2");
        ImageCases.RefusesAsSound(folder.Save("a.tif", TiffWriter.Write(Page(20, 30, 7, [1]), Page(20, 30, 8, [1]))), "reduced copies");
    }

    [Fact]
    public void A_tiled_pyramid_is_one_picture()
    {
        using var folder = new TemporaryFolder();
        TiffPage[] levels = [Page(101, 67, 7, tile: 16), Page(50, 34, 1, tile: 16), Page(25, 17, 2, tile: 16)];
        Assert.Equal(7, ImageFile.ReadRaw(folder.Save("a.tif", TiffWriter.Write(levels))).Bytes![0]);
        ImageCases.RefusesAsSound(folder.Save("a.tif", TiffWriter.Write([.. levels, Page(25, 17, 2, tile: 16)])), "a stack of 4 images");
        // Of strips, a picture of half the size may be another picture.
        ImageCases.RefusesAsSound(folder.Save("a.tif", TiffWriter.Write(Page(100, 60, 7), Page(50, 30, 1))), "a stack of 2 images");
        using VipsImage large = VipsImage.Black(300, 200);
        foreach (bool subifd in new[] { true, false })
        {
            large.Tiffsave(folder.File("b.tif"), tile: true, tileWidth: 64, tileHeight: 64, pyramid: true, subifd: subifd);
            Assert.Equal("200x300x1", ImageFile.Read(folder.File("b.tif")).ToString());
        }
    }

    [Fact]
    public void Stacks_in_one_directory_are_found()
    {
        using var folder = new TemporaryFolder();
        TiffPage ImageJ(int images, int trailing, string head = "ImageJ=1.54f\n") => Page(8, 8, 7) with
        {
            Texts = new() { [270] = $"{head}images={images}\nslices={images}\nloop=false\n" }, Trailer = new byte[trailing],
        };
        ImageCases.RefusesAsSound(folder.Save("a.tif", TiffWriter.Write(ImageJ(3, 2 * 64))), "a stack of 3 images (ImageJ)");
        ImageCases.RefusesAsSound(folder.Save("a.tif", TiffWriter.Write(ImageJ(3, 2 * 64))), "a stack of 3 images (ImageJ)", mask: true);
        Assert.Empty(ImageFile.ReadRaw(folder.Save("a.tif", TiffWriter.Write(ImageJ(1, 640)))).Notices);
        Assert.Empty(ImageFile.ReadRaw(folder.Save("a.tif", TiffWriter.Write(ImageJ(5, 640, "Sample\n")))).Notices);
        // One picture of a stack, saved by a program that keeps the text.
        TiffPage deflated = ImageJ(3, 0) with { Compression = 8 };
        RawImage one = ImageFile.ReadRaw(folder.Save("a.tif", TiffWriter.Write(deflated)));
        Assert.Equal(7, one.Bytes![63]);
        Assert.Contains("speaks of 3 images", Assert.Single(one.Notices));
        TiffPage metaMorph = Page(8, 8, 7) with { Fields = new() { [33629] = [1, 2, 3, 4] } };
        ImageCases.RefusesAsSound(folder.Save("a.tif", TiffWriter.Write(metaMorph)), "a stack of 4 images (MetaMorph)");
        TiffPage volume = Page(8, 8, 7) with { Fields = new() { [32997] = [5] } };
        ImageCases.RefusesAsSound(folder.Save("a.tif", TiffWriter.Write(volume)), "a volume of 5 planes");
    }

    [Fact]
    public void A_transparency_mask_is_no_picture()
    {
        using var folder = new TemporaryFolder();
        TiffPage mask = Page(20, 30, 1, [4]) with { Photometric = 4, Bits = 1 };
        RawImage raw = ImageFile.ReadRaw(folder.Save("a.tif", TiffWriter.Write(Page(20, 30, 7), mask)));
        Assert.Equal(7, raw.Bytes![0]);
        Assert.Contains("transparency mask", Assert.Single(raw.Notices));
    }

    [Fact]
    public void A_circle_of_directories_ends_and_a_link_out_of_the_file_is_damage()
    {
        using var folder = new TemporaryFolder();
        byte[] file = TiffWriter.Write(Page(4, 4, 7));
        int link = file.Length - 4;
        BitConverter.TryWriteBytes(file.AsSpan(link), BitConverter.ToInt32(file, 4));
        Assert.Equal(7, ImageFile.ReadRaw(folder.Save("a.tif", file)).Bytes![0]);
        BitConverter.TryWriteBytes(file.AsSpan(link), 100000);
        ImageCases.RefusesAsDamaged(folder.Save("a.tif", file), "directory 2 at byte 100000");
    }
}
