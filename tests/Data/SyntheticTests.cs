using CsUnet.Data;
using CsUnet.Tests.Support;

namespace CsUnet.Tests.Data;

public class SyntheticTests
{
    [Theory]
    [InlineData(64, 64)]
    [InlineData(128, 96)]
    [InlineData(256, 320)]
    public void Area_fractions_are_those_of_the_alloy(int height, int width)
    {
        foreach (Sample sample in SyntheticMicrographs.Generate(6, height, width, 3))
        {
            Assert.Equal((height, width, 1), (sample.Image.Height, sample.Image.Width, sample.Image.Channels));
            double pixels = height * width;
            Assert.InRange(sample.Labels.Count(label => label == 1) / pixels, 0.42, 0.51);
            Assert.InRange(sample.Labels.Count(label => label == 2) / pixels, 0.018, 0.033);
            Assert.DoesNotContain(sample.Labels, label => label > 2);
        }
    }

    [Fact]
    public void Mask_is_the_one_of_the_image()
    {
        // The means of the three phases differ as in the real images, and their order is right in every image.
        foreach (Sample sample in SyntheticMicrographs.Generate(6, 160, 160, 4))
        {
            double[] means = [.. Enumerable.Range(0, 3).Select(label => sample.Labels.Zip(sample.Image.Pixels)
                .Where(pair => pair.First == label).Average(pair => pair.Second))];
            Assert.InRange(means[0] - means[1], 8, 25);
            Assert.InRange(means[1] - means[2], 2, 15);
        }
    }

    [Fact]
    public void Images_are_a_function_of_seed_split_and_number()
    {
        IReadOnlyList<Sample> three = SyntheticMicrographs.Generate(3, 64, 80, 9), one = SyntheticMicrographs.Generate(1, 64, 80, 9);
        Assert.Equal(three[0].Image.Pixels, one[0].Image.Pixels);
        Assert.Equal(three[0].Labels, one[0].Labels);
        Assert.NotEqual(three[0].Labels, three[1].Labels);
        Assert.NotEqual(one[0].Labels, SyntheticMicrographs.Generate(1, 64, 80, 10)[0].Labels);
        Assert.NotEqual(
            SyntheticMicrographs.CreateDataset("train", 1, 64, 80, 9)[0].Labels,
            SyntheticMicrographs.CreateDataset("val", 1, 64, 80, 9)[0].Labels);
        Assert.Throws<ArgumentException>(() => SyntheticMicrographs.CreateDataset("tests", 1, 64, 64, 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => SyntheticMicrographs.Generate(1, 32, 64, 0));
    }

    [Fact]
    public void Written_sets_read_back_as_made()
    {
        using var folder = new TemporaryFolder();
        SyntheticMicrographs.WriteTo(folder.Path, 2, 1, 1, 64, 72, 5);
        foreach ((string split, int count) in new[] { ("train", 2), ("val", 1), ("test", 1) })
        {
            MicrographDataset read = MicrographDataset.Open(folder.Path, split, ClassMap.NasaSuper);
            MicrographDataset made = SyntheticMicrographs.CreateDataset(split, count, 64, 72, 5);
            Assert.Equal(count, read.Count);
            for (int i = 0; i < count; i++)
            {
                Assert.Equal(made[i].Name, read[i].Name);
                Assert.Equal(made[i].Image.Pixels, read[i].Image.Pixels);
                Assert.Equal(made[i].Labels, read[i].Labels);
            }
        }
    }
}
