using CsUnet.Data;
using CsUnet.Tensors;

namespace CsUnet.Tests.Data;

public class AugmentationTests
{
    // Labels repeat the image, so an operation that moves one must move the other.
    private static Sample Twin(int height, int width, int channels = 1)
    {
        byte[] labels = [.. Enumerable.Range(0, height * width).Select(i => (byte)(i * 7 % 251))];
        byte[] pixels = [.. labels.SelectMany(label => Enumerable.Range(0, channels).Select(c => (byte)(label ^ (c * 5))))];
        return new Sample("twin", new Image(pixels, height, width, channels), labels);
    }

    private static Sample Apply(AugmentationOptions options, Sample sample, int height, int width, int step = 0) =>
        new Augmentation(options).Apply(sample, height, width, Augmentation.Key(5, step, 0));

    [Fact]
    public void Nothing_switched_on_is_the_identity()
    {
        Sample sample = Twin(12, 9, 3);
        Sample result = Apply(AugmentationOptions.None, sample, 12, 9);
        Assert.Equal(sample.Image.Pixels, result.Image.Pixels);
        Assert.Equal(sample.Labels, result.Labels);
    }

    [Fact]
    public void Crops_are_random_pieces_of_the_image()
    {
        Sample sample = Twin(15, 16);
        var starts = new HashSet<int>();
        for (int step = 0; step < 200; step++)
        {
            Sample crop = Apply(AugmentationOptions.None, sample, 6, 4, step);
            int start = Enumerable.Range(0, 10 * 13).Select(i => i / 13 * 16 + i % 13).Single(first =>
                Enumerable.Range(0, 24).All(i => sample.Labels[first + i / 4 * 16 + i % 4] == crop.Labels[i]));
            Assert.Equal(crop.Labels, crop.Image.Pixels);
            starts.Add(start);
        }
        Assert.Contains(starts, start => start / 16 == 0);
        Assert.Contains(starts, start => start / 16 == 9);
        Assert.Contains(starts, start => start % 16 == 12);
        Assert.InRange(starts.Count, 90, 115);
    }

    [Fact]
    public void Small_images_are_continued_by_reflection()
    {
        var sample = new Sample("s", new Image([1, 2, 3], 1, 3, 1), [1, 2, 3]);
        Sample result = Apply(AugmentationOptions.None, sample, 2, 9);
        Assert.Equal(new byte[] { 2, 3, 2, 1, 2, 3, 2, 1, 2 }, result.Labels[..9]);
        Assert.Equal(result.Labels[..9], result.Labels[9..]);
        Assert.Equal(result.Labels, result.Image.Pixels);
        Assert.Equal([2, 1, 0, 1, 2, 1, 0], Enumerable.Range(-2, 7).Select(i => Image.Reflect(i, 3)));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void Geometry_moves_image_and_labels_together(int channels)
    {
        Sample sample = Twin(8, 8, channels);
        var options = new AugmentationOptions { FlipHorizontal = 0.5, FlipVertical = 0.5, Rotate = 1 };
        var seen = new HashSet<string>();
        for (int step = 0; step < 200; step++)
        {
            Sample result = Apply(options, sample, 8, 8, step);
            Assert.Equal(result.Labels, Enumerable.Range(0, 64).Select(i => result.Image.Pixels[i * channels]));
            seen.Add(string.Join(',', result.Labels));
        }
        // The symmetry group of the square has eight members.
        Assert.Equal(8, seen.Count);
    }

    [Fact]
    public void Each_movement_is_what_its_name_says()
    {
        var sample = new Sample("s", new Image([1, 2, 3, 4], 2, 2, 1), [1, 2, 3, 4]);
        Assert.Equal(new byte[] { 2, 1, 4, 3 }, Apply(new AugmentationOptions { FlipHorizontal = 1 }, sample, 2, 2).Labels);
        Assert.Equal(new byte[] { 3, 4, 1, 2 }, Apply(new AugmentationOptions { FlipVertical = 1 }, sample, 2, 2).Labels);
        byte[][] turns = [[1, 2, 3, 4], [2, 4, 1, 3], [4, 3, 2, 1], [3, 1, 4, 2]];
        int[] counts = new int[4];
        for (int step = 0; step < 400; step++)
            counts[Array.FindIndex(turns, turn =>
                turn.SequenceEqual(Apply(new AugmentationOptions { Rotate = 1 }, sample, 2, 2, step).Labels))]++;
        Assert.All(counts, count => Assert.InRange(count, 70, 130));
    }

    [Fact]
    public void Turns_of_oblong_crops_stay_inside_the_image()
    {
        Sample sample = Twin(10, 30);
        var options = new AugmentationOptions { Rotate = 1 };
        for (int step = 0; step < 20; step++)
        {
            Sample result = Apply(options, sample, 6, 8, step);
            // A crop without reflection has no two equal labels: 7 i mod 251 repeats only after 251 pixels.
            Assert.Equal(result.Labels, result.Image.Pixels);
            Assert.InRange(result.Labels.Distinct().Count(), 40, 48);
        }
    }

    public static TheoryData<string> Operations => new(
        "{op: noise, sigma: [5, 5]}", "{op: brightness_contrast, brightness: 30, contrast: [0.5, 1.5]}",
        "{op: gamma, exponent: [0.5, 0.8]}",
        "{op: clahe, clip: [2, 2], tiles: 2}", "{op: blur, size: 5}", "{op: sharpen, strength: [0.5, 0.5], lightness: [1, 1]}",
        "{op: hue_saturation, hue: 30, saturation: 30, value: 20}");

    [Theory]
    [MemberData(nameof(Operations))]
    public void Every_operation_changes_levels_only_and_repeatably(string operation)
    {
        AugmentationOptions on = AugmentationOptions.FromYaml($"pixels: [{{p: 1, one_of: [{operation}]}}]", "on");
        AugmentationOptions off = AugmentationOptions.FromYaml($"pixels: [{{p: 0, one_of: [{operation}]}}]", "off");
        foreach (int channels in new[] { 1, 3 })
        {
            Sample sample = Twin(70, 66, channels);
            Sample first = Apply(on, sample, 70, 66), again = Apply(on, sample, 70, 66), other = Apply(off, sample, 70, 66);
            Assert.NotEqual(sample.Image.Pixels, first.Image.Pixels);
            Assert.Equal(sample.Labels, first.Labels);
            Assert.Equal(first.Image.Pixels, again.Image.Pixels);
            Assert.Equal(sample.Image.Pixels, other.Image.Pixels);
        }
        // Grey stays grey as RGB.
        Sample grey = new("g", Twin(40, 40).Image.ToRgb(), new byte[1600]);
        Assert.True(Apply(on, grey, 40, 40).Image.IsGrey());
    }

    [Theory]
    [InlineData("{op: noise, sigma: [0, 0]}")]
    [InlineData("{op: brightness_contrast}")]
    [InlineData("{op: gamma, exponent: [1, 1]}")]
    [InlineData("{op: blur, size: 1}")]
    [InlineData("{op: sharpen, strength: [0, 0]}")]
    [InlineData("{op: hue_saturation}")]
    public void Operations_of_strength_zero_are_the_identity(string operation)
    {
        AugmentationOptions options = AugmentationOptions.FromYaml($"pixels: [{{one_of: [{operation}]}}]", "x");
        Sample sample = Twin(16, 16, 3);
        Assert.Equal(sample.Image.Pixels, Apply(options, sample, 16, 16).Image.Pixels);
    }

    [Fact]
    public void Operations_compute_their_formulas()
    {
        byte[] point = new byte[25];
        point[12] = 90;
        Assert.Equal(10, Run("{op: blur, size: 3}", point)[6]);
        Assert.Equal(0, Run("{op: blur, size: 3}", point)[0]);
        byte[] level = [.. Enumerable.Repeat((byte)100, 25)];
        Assert.All(Run("{op: sharpen, strength: [0.5, 0.5], lightness: [1, 1]}", level), value => Assert.Equal(100, value));
        Assert.All(Run("{op: gamma, exponent: [2, 2]}", level), value => Assert.Equal(39, value));
        Assert.All(Run("{op: brightness_contrast, contrast: [1.5, 1.5]}", level), value => Assert.Equal(150, value));
        Assert.All(Run("{op: brightness_contrast, contrast: [9, 9]}", level), value => Assert.Equal(255, value));

        static byte[] Run(string operation, byte[] pixels) => Apply(
            AugmentationOptions.FromYaml($"pixels: [{{one_of: [{operation}]}}]", "x"),
            new Sample("s", new Image(pixels, 5, 5, 1), new byte[25]), 5, 5).Image.Pixels;
    }

    [Fact]
    public void Noise_has_its_deviation_and_equalisation_spreads_levels()
    {
        var flat = new Sample("f", new Image([.. Enumerable.Repeat((byte)128, 128 * 128)], 128, 128, 1), new byte[128 * 128]);
        byte[] noisy = Apply(AugmentationOptions.FromYaml("pixels: [{one_of: [{op: noise, sigma: [10, 10]}]}]", "x"), flat, 128,
            128).Image.Pixels;
        double mean = noisy.Average(value => value), deviation = Math.Sqrt(noisy.Average(value => (value - mean) * (value - mean)));
        Assert.InRange(mean, 127.7, 128.3);
        Assert.InRange(deviation, 9.8, 10.2);

        byte[] narrow = [.. Enumerable.Range(0, 128 * 128).Select(i => (byte)(120 + i % 16))];
        var dull = new Sample("d", new Image(narrow, 128, 128, 1), new byte[128 * 128]);
        byte[] spread = Apply(AugmentationOptions.FromYaml("pixels: [{one_of: [{op: clahe, clip: [256, 256], tiles: 4}]}]", "x"), dull, 128,
            128).Image.Pixels;
        Assert.InRange(spread.Max() - spread.Min(), 200, 255);
        byte[] clipped = Apply(AugmentationOptions.FromYaml("pixels: [{one_of: [{op: clahe, clip: [2, 2], tiles: 4}]}]", "x"), dull, 128,
            128).Image.Pixels;
        Assert.InRange(clipped.Max() - clipped.Min(), 16, 100);
    }

    [Fact]
    public void Groups_have_their_probability_and_choose_evenly()
    {
        AugmentationOptions options = AugmentationOptions.FromYaml("""
            pixels:
              - p: 0.6
                one_of: [{op: brightness_contrast, contrast: [2, 2]}, {op: brightness_contrast, contrast: [0.5, 0.5]}]
            """, "x");
        var sample = new Sample("s", new Image([40], 1, 1, 1), [0]);
        var levels = Enumerable.Range(0, 1000).Select(step => Apply(options, sample, 1, 1, step).Image.Pixels[0]).ToLookup(level => level);
        Assert.Equal(1000, levels[40].Count() + levels[80].Count() + levels[20].Count());
        Assert.InRange(levels[40].Count(), 340, 460);
        Assert.InRange(levels[80].Count(), 240, 360);
    }

    [Fact]
    public void Ready_configurations_round_trip_and_run()
    {
        Sample sample = Twin(80, 80, 3);
        foreach ((string name, AugmentationOptions options) in AugmentationOptions.BuiltIn)
        {
            Assert.Equal(options.ToYaml(), AugmentationOptions.FromYaml(options.ToYaml(), name).ToYaml());
            Assert.Same(options, AugmentationOptions.Load(name));
            for (int step = 0; step < 30; step++)
                Assert.Equal(64 * 64, Apply(options, sample, 64, 64, step).Labels.Length);
        }
        Assert.Equal(2, AugmentationOptions.Default.Pixels.Count);
    }

    [Theory]
    [InlineData("flip: 1", "unknown key 'flip'")]
    [InlineData("rotate: 2", "from 0 to 1")]
    [InlineData("rotate: yes", "'yes'")]
    [InlineData("pixels: [{p: 1}]", "no operation")]
    [InlineData("pixels: [{one_of: [{op: sepia}]}]", "no operation 'sepia'")]
    [InlineData("pixels: [{one_of: [{op: blur, size: 4}]}]", "odd")]
    [InlineData("pixels: [{one_of: [{op: noise, sigma: [3, 1]}]}]", "low <= high")]
    [InlineData("pixels: [{one_of: [{op: noise, sigma: 3}]}]", "[low, high]")]
    [InlineData("pixels: [{one_of: [{op: noise, sigma: [1, 2], p: 1}]}]", "unknown key 'p'")]
    public void Bad_yaml_is_named(string yaml, string part) =>
        Assert.Contains(part, Assert.Throws<DataException>(() => AugmentationOptions.FromYaml(yaml, "a.yaml")).Message);

    [Fact]
    public void Normalisation_is_image_nets()
    {
        Tensor tensor = Normalisation.ImageNet.ToTensor(new Image([0, 255], 1, 2, 1));
        Assert.Equal(new Shape(1, 1, 2, 3), tensor.Shape);
        double[] expected = [-0.485 / 0.229, -0.456 / 0.224, -0.406 / 0.225, 0.515 / 0.229, 0.544 / 0.224, 0.594 / 0.225];
        for (int i = 0; i < 6; i++)
            Assert.Equal(expected[i], tensor[i], 5);
        float[] images = new float[6];
        new Augmentation(AugmentationOptions.None).Apply(
            new Sample("s", new Image([0, 255], 1, 2, 1), [0, 1]), 1, 2, new RandomKey(1, 2, 3), Normalisation.ImageNet, images,
                new byte[2]);
        Assert.Equal(tensor.AsSpan<float>().ToArray(), images);
    }
}
