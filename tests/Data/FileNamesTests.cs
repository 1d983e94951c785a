using CsUnet.Cli;
using CsUnet.Data;
using CsUnet.Tests.Cli;
using CsUnet.Tests.Support;

namespace CsUnet.Tests.Data;

/// <summary>Names of files that look alike are the same name, however a system stores their letters.</summary>
public class FileNamesTests
{
    private const string Decomposed = "U\u0308bersicht", Composed = "\u00dcbersicht";

    private static readonly ClassMap s_map = ClassMap.FromYaml("classes: [{name: a, values: [0]}, {name: b, values: [1]}]", "map.yaml");
    private static readonly Image s_picture = new([0, 1, 1, 0], 2, 2, 1);

    [Theory]
    [InlineData(Decomposed, Composed)]
    [InlineData(Composed, Decomposed)]
    [InlineData(Decomposed, Decomposed)]
    public void A_picture_and_its_mask_pair_in_every_form(string image, string mask)
    {
        using var folder = new TemporaryFolder();
        ClassMap map = ClassMap.FromYaml($"mask_suffix: _pru\u0308f\n{s_map.ToYaml().Replace("mask_suffix: \"\"\n", "")}", "map.yaml");
        ImageFile.WritePng(folder.File($"train/{image}.png"), s_picture);
        ImageFile.WritePng(folder.File($"train_annot/{mask}_pr\u00fcf.png"), s_picture);
        MicrographDataset set = MicrographDataset.Open(folder.Path, "train", map);
        Assert.Equal(Composed, set[0].Name);
        Assert.Equal(new byte[] { 0, 1, 1, 0 }, set[0].Labels);
    }

    [Theory]
    [InlineData(Decomposed, Composed)]
    [InlineData(Composed, Decomposed)]
    public void A_subset_names_pictures_in_every_form(string image, string wanted)
    {
        using var folder = new TemporaryFolder();
        foreach (string name in new[] { image, "other" })
        {
            ImageFile.WritePng(folder.File($"train/{name}.png"), s_picture);
            ImageFile.WritePng(folder.File($"train_annot/{name}.png"), s_picture);
        }
        Assert.Equal(1, MicrographDataset.Open(folder.Path, "train", s_map, [wanted]).Count);
        Assert.Contains("missing image", Assert.Throws<DataException>(() =>
            MicrographDataset.Open(folder.Path, "train", s_map, ["Ubersicht"])).Message);
    }

    [Fact]
    public void The_order_does_not_depend_on_the_form()
    {
        string[] Names(string umlaut)
        {
            using var folder = new TemporaryFolder();
            foreach (string name in new[] { $"u{umlaut}", "uz", "a" })
            {
                ImageFile.WritePng(folder.File($"train/{name}.png"), s_picture);
                ImageFile.WritePng(folder.File($"train_annot/{name}.png"), s_picture);
            }
            MicrographDataset set = MicrographDataset.Open(folder.Path, "train", s_map);
            return [.. Enumerable.Range(0, set.Count).Select(i => set[i].Name)];
        }

        Assert.Equal(Names("\u00e4"), Names("a\u0308"));
    }

    [Fact]
    public void Two_names_that_look_alike_in_one_folder_are_a_problem()
    {
        using var folder = new TemporaryFolder();
        foreach (string name in new[] { Composed, Decomposed })
            ImageFile.WritePng(folder.File($"train/{name}.png"), s_picture);
        ImageFile.WritePng(folder.File("train/b.png"), s_picture);
        foreach (string name in new[] { "b", "b\u0308" })
            ImageFile.WritePng(folder.File($"train_annot/{name}.png"), s_picture);
        foreach (string name in new[] { Composed, Decomposed })
            ImageFile.WritePng(folder.File($"train_annot/{name}.png"), s_picture);
        DataException failure = Assert.Throws<DataException>(() => MicrographDataset.Open(folder.Path, "train", s_map));
        Assert.Contains($"several images are named '{Composed}' (", failure.Message);
        Assert.Contains($"{Composed}.png", failure.Message);
        Assert.Contains($"{Decomposed}.png", failure.Message);
        Assert.Contains("the names look alike", failure.Message);

        File.Delete(folder.File($"train/{Composed}.png"));
        failure = Assert.Throws<DataException>(() => MicrographDataset.Open(folder.Path, "train", s_map));
        Assert.Contains("it has several masks", failure.Message);
        Assert.Contains("the names look alike", failure.Message);
    }

    [Fact]
    public void Predictions_of_names_that_look_alike_are_refused()
    {
        using var folder = new TemporaryFolder();
        foreach (string name in new[] { $"a/{Composed}.png", $"b/{Decomposed}.png" })
            ImageFile.WritePng(folder.File(name), s_picture);
        using var run = new TrainedRun();
        ProgramRun call = ProgramRun.Of("predict", "--run", run.Folder, folder.File("a"), folder.File("b"), "--out", folder.File("out"));
        Assert.Equal(ExitCode.Usage, call.Code);
        Assert.Contains($"would both be written to {Composed}_label.png", call.Error);
    }
}
