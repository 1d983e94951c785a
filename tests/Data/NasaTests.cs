using CsUnet.Data;

namespace CsUnet.Tests.Data;

public class NasaTests
{
    [Theory]
    [InlineData("train", 10, "49.06 48.76 2.18")]
    [InlineData("val", 4, "47.08 50.93 2.00")]
    [InlineData("test", 4, "47.77 49.59 2.64")]
    public void Superalloy_shares_are_the_published_ones(string split, int count, string shares)
    {
        MicrographDataset dataset = MicrographDataset.Open(NasaData.Folder("Super1"), split, ClassMap.NasaSuper);
        Assert.Equal(count, dataset.Count);
        Assert.Equal(shares, Percent(dataset));
        Assert.All(Enumerable.Range(0, count), i => Assert.Equal("512x512x1", dataset[i].Image.ToString()));
    }

    [Theory]
    [InlineData("train", 4, "79.23 20.48 0.30")]
    [InlineData("val", 3, "78.16 21.56 0.28")]
    [InlineData("test", 3, "84.45 15.30 0.25")]
    public void Coating_shares_are_the_published_ones(string split, int count, string shares)
    {
        const string threeClasses = "classes: [{name: background, values: [0]}, {name: oxide, values: [1]}, {name: crack, values: [2]}]";
        MicrographDataset dataset = MicrographDataset.Open(NasaData.Folder("EBC2"), split, ClassMap.FromYaml(threeClasses, "test"));
        Assert.Equal(count, dataset.Count);
        Assert.Equal(shares, Percent(dataset));
        MicrographDataset task = MicrographDataset.Open(NasaData.Folder("EBC2"), split, ClassMap.NasaEbc);
        Assert.Equal(dataset.PixelShares()[1] + dataset.PixelShares()[2], task.PixelShares()[1], 12);
    }

    [Theory]
    [InlineData("Super1", "super2", 4)]
    [InlineData("Super1", "super3", 1)]
    [InlineData("EBC2", "ebc-one-shot", 1)]
    public void Few_shot_protocols_name_images_that_exist(string set, string subset, int count)
    {
        ClassMap map = set == "Super1" ? ClassMap.NasaSuper : ClassMap.NasaEbc;
        MicrographDataset dataset = MicrographDataset.Open(NasaData.Folder(set), "train", map, Subsets.Resolve(subset));
        Assert.Equal(Subsets.BuiltIn[subset].Order(StringComparer.Ordinal), Enumerable.Range(0, count).Select(i => dataset[i].Name));
    }

    [Fact]
    public void Samples_read_on_demand_equal_those_in_memory()
    {
        string folder = NasaData.Folder("Super1");
        MicrographDataset inMemory = MicrographDataset.Open(folder, "val", ClassMap.NasaSuper);
        MicrographDataset onDemand = MicrographDataset.Open(folder, "val", ClassMap.NasaSuper, memoryLimit: 1);
        Assert.Same(inMemory[2], inMemory[2]);
        Assert.NotSame(onDemand[2], onDemand[2]);
        Assert.Equal(inMemory[2].Image.Pixels, onDemand[2].Image.Pixels);
        Assert.Equal(inMemory[2].Labels, onDemand[2].Labels);
    }

    private static string Percent(MicrographDataset dataset) =>
        string.Join(' ', dataset.PixelShares().Select(share =>
            (100 * share).ToString("F2", System.Globalization.CultureInfo.InvariantCulture)));
}
