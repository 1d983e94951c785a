using CsUnet.Data;
using CsUnet.Tests.Support;

namespace CsUnet.Tests.Data;

/// <summary>The intensity range of a data set on disk.</summary>
public sealed class IntensityDatasetTests : IDisposable
{
    private const int Side = 40;

    private static readonly ClassMap s_map =
        ClassMap.FromYaml("classes: [{name: a, values: [0]}, {name: b, values: [1]}]\nignore: [255]", "map");

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(2_000_000_000)]
    [InlineData(12_000)]
    [InlineData(8_000)]
    [InlineData(1)]
    public void The_range_of_all_files_is_found_whatever_fits_in_memory(long memoryLimit)
    {
        Save("train", "a", 16, value => 1000 + value % 50);
        Save("train", "b", 16, value => 100 + value % 50);
        Save("train", "c", 16, value => 3000 + value % 50);
        MicrographDataset set = Open("train", memoryLimit: memoryLimit);
        Assert.Equal(new IntensityRange(0, 4095), set.Intensity.Ranges[16]);
        Assert.Equal("auto: 16-bit samples 0 to 4095; the samples of the training images are 100 to 3049", set.IntensityText);
        foreach ((int index, int first) in new[] { (0, 1000), (1, 100), (2, 3000) })
            Assert.Equal((int)(first * 255 / 4095.0 + 0.5), set[index].Image.Pixels[0]);
    }

    [Fact]
    public void Other_splits_are_read_by_the_range_of_the_training_images()
    {
        Save("train", "a", 16, value => 100 + value * 2);
        Save("val", "a", 16, value => 4 * (100 + value * 2));
        MicrographDataset train = Open("train"), val = Open("val", intensity: train.Intensity), alone = Open("val");
        Assert.Equal(new IntensityRange(0, 4095), train.Intensity.Ranges[16]);
        Assert.Same(train.Intensity, val.Intensity);
        Assert.Equal(25, val[0].Image.Pixels[0]);
        Assert.Equal(new IntensityRange(0, 16383), alone.Intensity.Ranges[16]);
        Assert.Equal(6, alone[0].Image.Pixels[0]);
        Assert.Empty(train.IntensityDoubts);
        Assert.Equal(("a", "more than 5 % of the samples are above 4095, where the intensity range ends"),
            Assert.Single(val.IntensityDoubts));
    }

    [Fact]
    public void Each_sample_type_has_its_own_range()
    {
        Save("train", "eight", 8, value => value % 250);
        Save("train", "wide", 16, value => value * 2);
        MicrographDataset set = Open("train");
        Assert.Equal([8, 16], set.Intensity.Ranges.Keys);
        Assert.Equal(Enumerable.Range(0, 10).Select(value => (byte)value), set[0].Image.Pixels[..10]);
        Assert.Equal(new IntensityRange(0, 4095), set.Intensity.Ranges[16]);
        Assert.Empty(set.IntensityDoubts);
        Assert.Equal(new IntensityRange(0, 3198), Open("train", IntensityRule.Range).Intensity.Ranges[16]);
        Assert.Equal(new IntensityRange(10, 99), Open("train", IntensityRule.Of(new IntensityRange(10, 99))).Intensity.Ranges[8]);
    }

    [Fact]
    public void Float_samples_from_0_to_1_give_the_levels_of_8_bits()
    {
        Save("train", "a", 32, value => value % 200 + 20);
        Save("val", "a", 8, value => value % 200 + 20);
        MicrographDataset set = Open("train");
        Assert.Equal(new IntensityRange(0, 1), set.Intensity.Ranges[32]);
        Assert.Equal(Open("val")[0].Image.Pixels, set[0].Image.Pixels);
        Assert.StartsWith("auto: real samples 0 to 1; the samples of the training images are 0.0784314 to 0.858824", set.IntensityText);
    }

    [Fact]
    public void A_stated_12_bits_are_the_full_range()
    {
        File.Copy(ImageCases.Path("packed12.tif"), _folder.File("train/a.tif"));
        Image plain = ImageFile.Read(ImageCases.Path("plain.tif"));
        byte[] labels = new byte[plain.Height * plain.Width];
        ImageFileTests.Save(_folder.File("train_annot/a.png"), labels, plain.Height, plain.Width, 1);
        MicrographDataset set = Open("train");
        Assert.Equal(new IntensityRange(0, 4095), set.Intensity.Ranges[12]);
        Assert.All(set[0].Image.Pixels.Zip(plain.Pixels), pair => Assert.InRange(pair.First - pair.Second, -1, 0));
    }

    [Fact]
    public void Ignored_pixels_do_not_widen_the_range()
    {
        Save("train", "a", 16, value => value < 400 ? 65535 : 500 + value * 2, value => value < 400 ? 255 : value % 2);
        MicrographDataset set = Open("train");
        Assert.Equal(new IntensityRange(0, 4095), set.Intensity.Ranges[16]);
        Assert.Equal(255, set[0].Image.Pixels[0]);
        Assert.Empty(set.IntensityDoubts);
    }

    private MicrographDataset Open(
        string split, IntensityRule? rule = null, IntensityScale? intensity = null, long memoryLimit = 2_000_000_000) =>
        MicrographDataset.Open(_folder.Path, split, s_map, memoryLimit: memoryLimit, rule: rule, intensity: intensity);

    private void Save(string split, string name, int bits, Func<int, int> sample, Func<int, int>? label = null)
    {
        int[] indices = [.. Enumerable.Range(0, Side * Side)];
        if (bits == 32)
            ImageFileTests.Save(_folder.File($"{split}/{name}.tif"), [.. indices.Select(i => sample(i) / 255f)], Side, Side, 1);
        else if (bits == 8)
            ImageFileTests.Save(_folder.File($"{split}/{name}.tif"), [.. indices.Select(i => (byte)sample(i))], Side, Side, 1);
        else
            ImageFileTests.Save(_folder.File($"{split}/{name}.tif"), [.. indices.Select(i => (ushort)sample(i))], Side, Side, 1);
        byte[] labels = [.. indices.Select(label ?? (i => i % 2)).Select(value => (byte)value)];
        ImageFileTests.Save(_folder.File($"{split}_annot/{name}.png"), labels, Side, Side, 1);
    }
}
