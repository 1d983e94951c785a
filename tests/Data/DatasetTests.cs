using CsUnet.Data;
using CsUnet.Tests.Support;

namespace CsUnet.Tests.Data;

public class DatasetTests
{
    private static readonly ClassMap s_map = ClassMap.FromYaml("classes: [{name: a, values: [0]}, {name: b, values: [1]}]", "map");

    [Fact]
    public void Every_problem_is_listed_at_once()
    {
        using var folder = new TemporaryFolder();
        byte[] grey = [.. Enumerable.Repeat((byte)1, 64)];
        foreach (string name in new[] { "good", "no mask", "small", "values", "broken#1", "mask(2)" })
            ImageFileTests.Save(folder.File($"train/{name}.tif"), grey, 8, 8, 1);
        ImageFileTests.Save(folder.File("train_annot/good.png"), grey, 8, 8, 1);
        ImageFileTests.Save(folder.File("train_annot/small.tif"), grey[..32], 4, 8, 1);
        ImageFileTests.Save<byte>(folder.File("train_annot/values.tif"), [.. grey[..63], 42], 8, 8, 1);
        ImageFileTests.Save(folder.File("train_annot/broken#1.tif"), grey, 8, 8, 1);
        File.WriteAllText(folder.File("train/broken#1.tif"), "no image");
        File.WriteAllText(folder.File("train_annot/mask(2).tif"), "no image");
        File.WriteAllText(folder.File("train/notes.txt"), "not an image, and not taken for one");
        File.WriteAllText(folder.File("train/.hidden.tif"), "not taken for one either");

        DataException failure = Assert.Throws<DataException>(() => MicrographDataset.Open(folder.Path, "train", s_map));
        Assert.Equal(5, failure.Problems.Count);
        AssertOne(failure, "no mask.tif", "its mask is missing");
        AssertOne(failure, Path.Combine("train_annot", "small.tif"), "4x8 pixels, expected 8x8");
        AssertOne(failure, Path.Combine("train_annot", "values.tif"), "value 42 in 1 pixel, first at row 7, column 7");
        AssertOne(failure, Path.Combine("train", "broken#1.tif"), "another format");
        AssertOne(failure, Path.Combine("train_annot", "mask(2).tif"), "another format");
        Assert.All(failure.Problems, problem => Assert.Contains(problem.Message, failure.Message));

        MicrographDataset good = MicrographDataset.Open(folder.Path, "train", s_map, ["good"]);
        Assert.Equal("good", good[0].Name);
        Assert.Equal([0.0, 1.0], good.PixelShares());
    }

    [Fact]
    public void Notices_are_counted_by_kind_whether_samples_stay_in_memory_or_not()
    {
        using var folder = new TemporaryFolder();
        foreach (string name in new[] { "a", "b", "c" })
        {
            var image = new TiffPage(8, 8, (y, x, _) => (ulong)(y * 8 + x)) { Samples = name == "c" ? 1 : 2 };
            var mask = new TiffPage(8, 8, (_, x, _) => (ulong)(x / 4)) { Photometric = name == "b" ? 0 : 1 };
            folder.Save($"train/{name}.tif", TiffWriter.Write(image));
            folder.Save($"train_annot/{name}.tif", TiffWriter.Write(mask));
        }
        foreach (long limit in new[] { 1_000_000_000L, 0 })
        {
            MicrographDataset set = MicrographDataset.Open(folder.Path, "train", s_map, memoryLimit: limit);
            Assert.Equal(0, set[0].Labels[0]);
            Assert.Collection(set.Notices.Order(StringComparer.Ordinal),
                notice => Assert.Contains($"WhiteIsZero", notice),
                notice => Assert.EndsWith($"(2 files, first {Path.Combine(folder.Path, "train", "a.tif")})", notice));
        }
    }

    [Fact]
    public void Missing_folders_and_empty_splits_are_named()
    {
        using var folder = new TemporaryFolder();
        Assert.Contains("no such folder", Open(Path.Combine(folder.Path, "nowhere"), "train"));
        Directory.CreateDirectory(folder.File("val/x/.."));
        string both = Open(folder.Path, "train");
        Assert.Contains("no folder 'train' (folders here: val)", both);
        Assert.Contains("no folder 'train_annot'", both);
        Directory.CreateDirectory(folder.File("train/x/.."));
        Directory.CreateDirectory(folder.File("train_annot/x/.."));
        Assert.Contains("the split is empty", Open(folder.Path, "train"));

        static string Open(string directory, string split) =>
            Assert.Throws<DataException>(() => MicrographDataset.Open(directory, split, s_map)).Message;
    }

    [Fact]
    public void Ambiguous_names_and_unknown_subsets_are_problems()
    {
        using var folder = new TemporaryFolder();
        byte[] grey = new byte[4];
        ImageFileTests.Save(folder.File("train/a.tif"), grey, 2, 2, 1);
        ImageFileTests.Save(folder.File("train/a.png"), grey, 2, 2, 1);
        ImageFileTests.Save(folder.File("train/b.png"), grey, 2, 2, 1);
        ImageFileTests.Save(folder.File("train_annot/b.png"), grey, 2, 2, 1);
        ImageFileTests.Save(folder.File("train_annot/b.tif"), grey, 2, 2, 1);
        DataException failure = Assert.Throws<DataException>(() => MicrographDataset.Open(folder.Path, "train", s_map, ["a", "b", "c"]));
        Assert.Equal(3, failure.Problems.Count);
        AssertOne(failure, "several images are named 'a'", "a.png, a.tif");
        AssertOne(failure, "several masks", "b.png, b.tif");
        AssertOne(failure, "train", "the subset names a missing image", Path.Combine("train", "c"));
    }

    [Fact]
    public void Ignored_pixels_count_nowhere()
    {
        var sample = new Sample("s", new Image(new byte[4], 2, 2, 1), [0, 1, 1, ClassMap.Ignored]);
        MicrographDataset dataset = MicrographDataset.FromSamples("memory", s_map, [sample]);
        Assert.Equal(1 / 3.0, dataset.PixelShares()[0], 12);
        var wrong = new Sample("w", new Image(new byte[1], 1, 1, 1), [2]);
        Assert.Throws<ArgumentException>(() => MicrographDataset.FromSamples("memory", s_map, [wrong]));
    }

    [Fact]
    public void A_split_of_which_nothing_counts_is_a_problem()
    {
        using var folder = new TemporaryFolder();
        ClassMap map = ClassMap.FromYaml("classes: [{name: a, values: [0]}, {name: b, values: [1]}]\nignore: [255]", "map.yaml");
        foreach (string name in new[] { "a", "b" })
        {
            ImageFileTests.Save(folder.File($"val/{name}.png"), new byte[4], 2, 2, 1);
            ImageFileTests.Save(folder.File($"val_annot/{name}.png"), new byte[] { 255, 255, 255, 255 }, 2, 2, 1);
        }
        Assert.Contains("every pixel of every mask is ignored",
            Assert.Throws<DataException>(() => MicrographDataset.Open(folder.Path, "val", map)).Message);
        ImageFileTests.Save(folder.File("val_annot/a.png"), new byte[] { 255, 255, 1, 255 }, 2, 2, 1);
        Assert.Equal([0.0, 1.0], MicrographDataset.Open(folder.Path, "val", map).PixelShares());
    }

    [Fact]
    public void A_file_that_changes_later_is_a_data_exception()
    {
        using var folder = new TemporaryFolder();
        byte[] grey = new byte[64];
        ImageFileTests.Save(folder.File("train/a.tif"), grey, 8, 8, 1);
        ImageFileTests.Save(folder.File("train_annot/a.tif"), grey, 8, 8, 1);
        MicrographDataset dataset = MicrographDataset.Open(folder.Path, "train", s_map, memoryLimit: 0);
        grey[5] = 1;
        ImageFileTests.Save(folder.File("train_annot/a.tif"), grey, 8, 8, 1);
        Assert.Equal(1, dataset[0].Labels[5]);
        File.Delete(folder.File("train/a.tif"));
        Assert.Throws<DataException>(() => dataset[0]);
    }

    [Fact]
    public void Subsets_come_from_names_files_and_lists()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("list.txt"), "a b\r\n\n c#1 \n");
        Assert.Equal(["a b", "c#1"], Subsets.Resolve(folder.File("list.txt")));
        Assert.Equal(["x", "y"], Subsets.Resolve("x, y"));
        Assert.Equal(["spot7_180d_3"], Subsets.Resolve("super3"));
        Assert.Throws<DataException>(() => Subsets.Resolve(" , "));
    }

    private static void AssertOne(DataException failure, params string[] parts) =>
        Assert.Single(failure.Problems, problem => parts.All(part => problem.Message.Contains(part, StringComparison.Ordinal)));
}
