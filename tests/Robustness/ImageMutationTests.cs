using CsUnet.Data;
using CsUnet.Tests.Data;
using CsUnet.Tests.Support;

namespace CsUnet.Tests.Robustness;

/// <summary>Damaged images and masks of every kind: a picture, or one line that names the file; never a crash, never long.</summary>
public sealed class ImageMutationTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private static int Tries => TestFiles.RunsAll ? 2_500 : 40;

    public static TheoryData<string> Seeds() =>
    [
        "exif6.jpg", "float01.tif", "greenlut.tif", "mask-i32.tif", "mask-jpegintif.tif", "mask-pngpal.png", "mask-tifinvlut.tif",
        "mask-tifpal.tif", "packed12.tif", "plain.tif", "twobands.tif", "exif6-truth.png",
    ];

    [Theory]
    [MemberData(nameof(Seeds))]
    public void A_damaged_picture_is_read_or_refused(string name)
    {
        byte[] sound = File.ReadAllBytes(ImageCases.Path(name));
        int refused = Mutations.Check<DataException>(_folder.File(name), sound, Tries, (mutator, bytes) => mutator.Bytes(bytes), path =>
        {
            Image image = ImageFile.Read(path);
            Assert.Equal((long)image.Height * image.Width * image.Channels, image.Pixels.LongLength);
        });
        // Changed samples without compression cannot be noticed; a cut, a part that was removed and most of the structure can.
        Assert.InRange(refused, Tries / 20, Tries);
    }

    [Theory]
    [InlineData("mask-i32.tif")]
    [InlineData("mask-pngpal.png")]
    [InlineData("mask-tifinvlut.tif")]
    [InlineData("mask-tifpal.tif")]
    [InlineData("plain.tif")]
    [InlineData("packed12.tif")]
    [InlineData("exif6-truth.png")]
    public void A_damaged_mask_is_read_or_refused(string name)
    {
        byte[] sound = File.ReadAllBytes(ImageCases.Path(name));
        int refused = Mutations.Check<DataException>(_folder.File(name), sound, Tries, (mutator, bytes) => mutator.Bytes(bytes), path =>
        {
            MaskImage mask = ImageFile.ReadMask(path, paletteIndices: true);
            Assert.Equal((long)mask.Height * mask.Width * mask.Channels, mask.Samples.LongLength);
        });
        Assert.InRange(refused, Tries / 20, Tries);
    }
}
