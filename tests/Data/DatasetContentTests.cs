using System.Diagnostics;
using System.Text;
using CsUnet.Data;
using CsUnet.Tests.Support;

namespace CsUnet.Tests.Data;

/// <summary>Data are the same if names, bytes and order are, wherever they lie.</summary>
public sealed class DatasetContentTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Content_does_not_depend_on_the_folder_but_on_every_byte()
    {
        SyntheticMicrographs.WriteTo(_folder.File("a"), 2, 1, 1, 64, 64, seed: 1);
        SyntheticMicrographs.WriteTo(_folder.File("b"), 2, 1, 1, 64, 64, seed: 1);
        DatasetContent a = Open("a").Content, b = Open("b").Content;
        Assert.Equal(a.Hash, b.Hash);
        Assert.Null(a.Difference(b));
        Assert.Equal(["train/train_0000.png", "train_annot/train_0000_mask.png", "train/train_0001.png",
            "train_annot/train_0001_mask.png"], a.Files.Select(file => file.Name));
        Assert.All(a.Files, file => Assert.Matches("^[0-9a-f]{64}$", file.Hash));
        // A byte after the end of the picture changes no pixel, and yet the file.
        File.AppendAllText(_folder.File("b/train/train_0001.png"), "x");
        Assert.Equal("1 file changed (train/train_0001.png)", a.Difference(Open("b").Content));
        // Only the images that are used count.
        Assert.Equal(Open("a", "train_0000").Content.Hash, Open("b", "train_0000").Content.Hash);
        Assert.Equal("2 files are missing (train/train_0001.png, train_annot/train_0001_mask.png)",
            a.Difference(Open("a", "train_0000").Content));
    }

    [Fact]
    public void Names_are_the_same_in_every_Unicode_form()
    {
        SyntheticMicrographs.WriteTo(_folder.File("a"), 1, 1, 1, 64, 64, seed: 1);
        SyntheticMicrographs.WriteTo(_folder.File("b"), 1, 1, 1, 64, 64, seed: 1);
        foreach ((string set, NormalizationForm form) in new[] { ("a", NormalizationForm.FormC), ("b", NormalizationForm.FormD) })
        {
            string name = "Übersicht".Normalize(form);
            File.Move(_folder.File($"{set}/train/train_0000.png"), _folder.File($"{set}/train/{name}.png"));
            File.Move(_folder.File($"{set}/train_annot/train_0000_mask.png"), _folder.File($"{set}/train_annot/{name}_mask.png"));
        }
        Assert.Equal(Open("a").Content.Hash, Open("b").Content.Hash);
    }

    [Fact]
    public void A_file_that_vanishes_is_named()
    {
        SyntheticMicrographs.WriteTo(_folder.File("a"), 2, 1, 1, 64, 64, seed: 1);
        MicrographDataset set = Open("a");
        File.Delete(_folder.File("a/train/train_0001.png"));
        Assert.Contains("train_0001.png: cannot be read", Assert.Throws<DataException>(() => set.Content).Message);
    }

    [Fact]
    public void Hashing_a_real_set_takes_little_time()
    {
        MicrographDataset set = MicrographDataset.Open(NasaData.Folder("Super1"), "train", ClassMap.NasaSuper);
        long start = Stopwatch.GetTimestamp();
        Assert.Equal(2 * set.Count, set.Content.Files.Count);
        // 36 MB take a tenth of a second on one core.
        Assert.InRange(Stopwatch.GetElapsedTime(start).TotalSeconds, 0, 5);
    }

    private MicrographDataset Open(string name, params string[] subset) =>
        MicrographDataset.Open(_folder.File(name), "train", ClassMap.NasaSuper, subset.Length == 0 ? null : subset);
}
