using CsUnet.Data;
using CsUnet.Tests.Support;

namespace CsUnet.Tests.Data;

/// <summary>The search for a microscope's data bar.</summary>
public sealed class DataBarTests
{
    private static readonly Rgb s_black = new(0, 0, 0), s_white = new(255, 255, 255);

    public static TheoryData<byte, byte, bool, bool> Bars => new()
    {
        { 0, 255, false, false }, { 255, 0, false, false }, { 0, 255, true, false }, { 255, 0, true, false }, { 0, 255, true, true },
        { 30, 200, false, false }, { 128, 255, false, true }, { 70, 255, true, false },
    };

    [Theory]
    [MemberData(nameof(Bars))]
    public void A_bar_is_found(byte background, byte ink, bool hasLine, bool isFramed)
    {
        foreach ((int height, int width, int rows) in new[] { (136, 160, 24), (300, 400, 21), (200, 120, 40) })
            foreach (int channels in new[] { 1, 3 })
            {
                Image image = DataBarPicture.WithBar(DataBarPicture.Micrograph(height, width, channels), rows,
                    new Rgb(background, background, background), new Rgb(ink, ink, ink), hasLine, isFramed);
                Assert.Equal(rows, DataBar.Find(image));
            }
    }

    [Fact]
    public void A_coloured_bar_is_found()
    {
        Image image = DataBarPicture.WithBar(DataBarPicture.Micrograph(150, 200, 3), 24, new Rgb(0, 0, 80), new Rgb(255, 255, 0));
        Assert.Equal(24, DataBar.Find(image));
    }

    [Fact]
    public void A_bar_is_found_after_lossy_compression()
    {
        using var folder = new TemporaryFolder();
        Image image = DataBarPicture.WithBar(DataBarPicture.Micrograph(136, 160), 24, s_black, s_white);
        ImageFileTests.Save(folder.File("a.jpg"), image.Pixels, image.Height, image.Width, 1);
        Assert.InRange(DataBar.Find(ImageFile.Read(folder.File("a.jpg"))), 23, 25);
    }

    [Fact]
    public void A_bar_below_a_region_of_its_own_colour_is_found()
    {
        Image image = DataBarPicture.Micrograph(136, 160);
        for (int y = 70; y < 136; y++)
            Array.Clear(image.Pixels, y * 160 + 20, (int)(80 + 10 * Math.Sin(y / 5.0)));
        Assert.Equal(24, DataBar.Find(DataBarPicture.WithBar(image, 24, s_black, s_white)));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void A_picture_without_a_bar_has_none(int seed)
    {
        Image image = DataBarPicture.Micrograph(160, 160, seed: seed);
        Assert.Equal(0, DataBar.Find(image));
        // The same without noise; in two colours; with a saturated ground.
        Assert.Equal(0, DataBar.Find(Mapped(image, level => level > 125 ? (byte)180 : (byte)70)));
        Assert.Equal(0, DataBar.Find(Mapped(image, level => level > 125 ? byte.MaxValue : byte.MinValue)));
        Assert.Equal(0, DataBar.Find(Mapped(image, level => level > 80 ? level : byte.MinValue)));
    }

    [Fact]
    public void A_dark_part_of_the_specimen_is_no_bar()
    {
        // Embedding resin below a coating: black, with a rough edge and some bright dust.
        Image image = DataBarPicture.Micrograph(160, 160);
        var random = new Random(5);
        for (int y = 110; y < 160; y++)
            for (int x = 0; x < 160; x++)
                if (y > 120 + 5 * Math.Sin(x / 9.0))
                    image.Pixels[y * 160 + x] = (byte)(random.Next(100) == 0 ? 255 : 0);
        Assert.Equal(0, DataBar.Find(image));
        Image other = DataBarPicture.Micrograph(160, 160);
        // Rows without content, as programs pad a picture, hold nothing that could be labelled as text.
        Array.Clear(other.Pixels, 140 * 160, 20 * 160);
        Assert.Equal(0, DataBar.Find(other));
    }

    [Fact]
    public void A_lattice_of_cuboids_is_no_bar()
    {
        byte[] pixels = new byte[160 * 160];
        for (int y = 0; y < 160; y++)
            for (int x = 0; x < 160; x++)
                pixels[y * 160 + x] = (byte)(y % 20 < 13 && x % 20 < 13 ? 200 : 90);
        Assert.Equal(0, DataBar.Find(new Image(pixels, 160, 160, 1)));
    }

    [Fact]
    public void Synthetic_micrographs_and_tiny_pictures_have_none()
    {
        MicrographDataset set = SyntheticMicrographs.CreateDataset("train", 6, 128, 160, 1);
        for (int i = 0; i < set.Count; i++)
            Assert.Equal(0, DataBar.Find(set[i].Image));
        Assert.Equal(0, DataBar.Find(new Image(new byte[12], 3, 4, 1)));
        Assert.Equal(0, DataBar.Find(new Image(new byte[64 * 64], 64, 64, 1)));
    }

    [Theory]
    [InlineData("Super1")]
    [InlineData("EBC2")]
    public void Real_micrographs_without_a_bar_have_none(string set)
    {
        string folder = NasaData.Folder(set);
        string[] files = [.. new[] { "train", "val", "test" }.SelectMany(split => ImageFile.Find(Path.Combine(folder, split)))];
        Assert.All(files.Take(TestFiles.RunsAll ? files.Length : 3), file => Assert.Equal(0, DataBar.Find(ImageFile.Read(file).Compact())));
    }

    private static Image Mapped(Image image, Func<byte, byte> level) =>
        new([.. image.Pixels.Select(level)], image.Height, image.Width, image.Channels);
}
