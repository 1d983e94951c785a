using CsUnet.Data;
using CsUnet.Tests.Support;

namespace CsUnet.Tests.Data;

/// <summary>Files for the tests of image reading: small ones of other programs in tests/Data/images, and ones that a test builds.</summary>
internal static class ImageCases
{
    /// <summary>A file of tests/Data/images.</summary>
    public static string Path(string name) => System.IO.Path.Combine(TestFiles.RequireRoot(), "tests", "Data", "images", name);

    /// <summary>A file of the given bytes.</summary>
    public static string Save(this TemporaryFolder folder, string name, byte[] bytes)
    {
        File.WriteAllBytes(folder.File(name), bytes);
        return folder.File(name);
    }

    /// <summary>Requires a refusal of a sound file: one line that names the file and the reason, and does not speak of damage.</summary>
    public static void RefusesAsSound(string path, string reason, bool mask = false)
    {
        DataException failure = Assert.Throws<DataException>(() => { _ = mask ? (object)ImageFile.ReadMask(path) : ImageFile.Read(path); });
        Assert.Equal(path, failure.Path);
        Assert.Contains(reason, failure.Message);
        Assert.DoesNotContain("damaged", failure.Message);
        Assert.DoesNotContain('\n', failure.Message);
        Assert.NotNull(failure.Remedy);
    }

    /// <summary>Requires a refusal of a damaged file, as image and as mask.</summary>
    public static void RefusesAsDamaged(string path, string reason)
    {
        DataException failure = Assert.Throws<DataException>(() => ImageFile.Read(path));
        Assert.Equal(path, failure.Path);
        Assert.Contains(reason, failure.Message);
        Assert.Contains("damaged", failure.Message);
        Assert.DoesNotContain('\n', failure.Message);
        Assert.Throws<DataException>(() => ImageFile.ReadMask(path));
    }
}
