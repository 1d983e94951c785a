using CsUnet.Data;
using CsUnet.Models.Encoders;
using CsUnet.Models.Networks;
using CsUnet.Nn;
using CsUnet.Tensors;
using CsUnet.Training;

namespace CsUnet.Tests.Training;

public class TrainingOptionsTests
{
    [Fact]
    public void Defaults_are_the_recipe()
    {
        var options = new TrainingOptions();
        options.Validate();
        Assert.Equal(("cs-unet-mini", 128, 128, 8, 300), (options.Model, options.Height, options.Width, options.Batch, options.Steps));
        Assert.Equal((OptimizerKind.AdamW, 1e-3, 0.05), (options.Optimizer, options.LearningRate, options.WeightDecay));
        Assert.Equal((ScheduleKind.Cosine, 20, 0.0), (options.Schedule, options.WarmUp, options.ClipNorm));
        Assert.Equal((0.5, 0.5), (options.CrossEntropyWeight, options.DiceWeight));
        CsUnetOptions model = Assert.IsType<CsUnetOptions>(options.ModelOptions(3));
        Assert.Equal((32, 0.1), (model.EmbedDim, model.DropPath));
    }

    [Fact]
    public void Every_option_survives_the_file()
    {
        var options = new TrainingOptions
        {
            Model = "cs-unet-lite", Height = 64, Width = 96, Window = 4, EmbedDim = 24, Depths = [1, 2, 3, 4], Heads = [1, 2, 3, 4],
            Encoder = "resnet34", EncoderWidth = 16, Mlp = MlpKind.Mlp, DropPath = 0.25, Data = "/data/a #b: \"c\"\\d, [x]",
            Classes = "map.yaml", Subset = ["111418#4_1426_100Cyc0032", "spot, 7", "yes"], Augmentation = AugmentationOptions.Nasa,
            Batch = 3, Steps = 17, Epochs = 5, Optimizer = OptimizerKind.Sgd, LearningRate = 1.0 / 3, WeightDecay = 0, Momentum = 0.5,
            Schedule = ScheduleKind.Plateau, WarmUp = 1, MinimumLearningRate = 1e-7, ScheduleEvery = 9, ScheduleFactor = 0.3,
            PlateauPatience = 2, ClipNorm = 1.5, CrossEntropyWeight = 1, DiceWeight = 0, ClassWeights = [1, 2.5, 0.125], ValidateEvery = 11,
            CheckpointEvery = 12, Patience = 13, ValidationStride = 16, TileStride = 32, Precision = Precision.Bf16, Seed = ulong.MaxValue,
            Threads = 2, EncoderLayers = [2, 2, 2, 3], CnnWeights = "/w/a #b.pth",
            Intensity = IntensityRule.Of(new IntensityRange(-0.5, 1e6 / 3)),
        };
        TrainingOptions read = TrainingOptions.Parse(options.ToYaml());
        Assert.Equal(options.ToYaml(), read.ToYaml());
        Assert.Equal(options, read);
        Assert.Equal(options.Data, read.Data);
        Assert.Equal(options.Subset, read.Subset);
        Assert.Equal(1.0 / 3, read.LearningRate);
        // No option of the record may be missing in the file: every option above differs from its default.
        string[] defaults = new TrainingOptions().ToYaml().Split('\n'), lines = options.ToYaml().Split('\n');
        foreach (string key in TrainingOptions.Keys.Where(key => key != "augmentation"))
            Assert.NotEqual(defaults.Single(line => line.StartsWith(key + ":", StringComparison.Ordinal)),
                lines.Single(line => line.StartsWith(key + ":", StringComparison.Ordinal)));
        Assert.NotEqual(new TrainingOptions().Augmentation.ToYaml(), read.Augmentation.ToYaml());
    }

    [Theory]
    [InlineData("", 300)]
    [InlineData("# nothing here\n", 300)]
    [InlineData("steps: 5", 5)]
    [InlineData("steps: 5  # comment\nsize: 64x32\naugmentation: none\n", 5)]
    public void What_is_not_said_keeps_its_default(string yaml, int steps)
    {
        TrainingOptions options = TrainingOptions.Parse(yaml);
        Assert.Equal(steps, options.Steps);
        Assert.Equal(1e-3, options.LearningRate);
    }

    [Theory]
    [InlineData("learning_rat: 1", "my.yaml, line 1: learning_rat is not an option, expected one of model, size, ")]
    [InlineData("learning_rat: 1", "augmentation; did you mean 'learning_rate'?")]
    [InlineData("steps: 5\nbatchsize: 3", "my.yaml, line 2: batchsize is not an option")]
    [InlineData("steps: many", "steps is 'many', expected a whole number from 1")]
    [InlineData("steps: 0", "steps is '0'")]
    [InlineData("steps: [1, 2]", "steps is a list")]
    [InlineData("steps: {a: 1}", "steps is a mapping")]
    [InlineData("steps:", "steps is ''")]
    [InlineData("size: 100", "size is '100'")]
    [InlineData("size: 64x", "size is '64x'")]
    [InlineData("model: cs-unet-min",
        "model is 'cs-unet-min', expected one of cs-unet-tiny, cs-unet-lite, cs-unet-mini, unet; did you mean 'cs-unet-mini'?")]
    [InlineData("learning_rate: nan", "learning_rate is 'nan'")]
    [InlineData("learning_rate: .inf", "learning_rate is '.inf'")]
    [InlineData("seed: -1", "seed is '-1'")]
    [InlineData("class_weights: [1, x]", "class_weights is 'x'")]
    [InlineData("schedule: cosin", "did you mean 'cosine'?")]
    [InlineData("intensity: ful",
        "intensity is 'ful', expected one of auto, full, range, percentile, or two numbers LO,HI with LO below HI; did you mean 'full'?")]
    [InlineData("intensity: 4095,0", "intensity is '4095,0', expected one of auto")]
    [InlineData("intensity: 0,nan", "intensity is '0,nan'")]
    [InlineData("intensity: 0,1e999", "intensity is '0,1e999'")]
    [InlineData("intensity: 0,1,2", "intensity is '0,1,2'")]
    [InlineData("intensity: 5", "intensity is '5'")]
    [InlineData("intensity:", "intensity is ''")]
    [InlineData("intensity: [0, 4095]", "intensity is a list, expected one value")]
    [InlineData("augmentation: nas", "line 1: augmentation cannot be read: nas: no such augmentation")]
    [InlineData("augmentation: {flip: 1}", "augmentation cannot be read: my.yaml, line 1: unknown key 'flip' in augmentation")]
    [InlineData("just a text", "the root is a single value, expected a mapping of keys to values")]
    [InlineData("- 1\n- 2", "the root is a list, expected a mapping of keys to values")]
    [InlineData("steps: 1\nsteps: 2", "not valid YAML")]
    [InlineData("steps: [1", "not valid YAML")]
    public void Mistakes_are_named(string yaml, string message)
    {
        RunException failure = Assert.ThrowsAny<RunException>(() => TrainingOptions.Parse(yaml, "my.yaml"));
        Assert.Contains(message, failure.Message);
        Assert.Contains("my.yaml", failure.Message);
    }

    [Fact]
    public void An_error_says_its_parts()
    {
        OptionException failure = Assert.Throws<OptionException>(() => TrainingOptions.Parse("steps: 5\nschedule: cosin", "my.yaml"));
        Assert.Equal(("my.yaml, line 2", "schedule", "is 'cosin'"), (failure.Place, failure.Option, failure.Found));
        Assert.Equal(("schedule is 'cosin'", "one of cosine, constant, step, plateau", "did you mean 'cosine'?"),
            (failure.Problem, failure.Expected, failure.Remedy));
        Assert.Equal("my.yaml, line 2: schedule is 'cosin', expected one of cosine, constant, step, plateau; did you mean 'cosine'?",
            failure.Message);
    }

    // A text of brackets overflowed YamlDotNet's stack, which ends the process.
    [Theory]
    [InlineData("steps: ", "[")]
    [InlineData("augmentation: ", "{a: ")]
    [InlineData("", "- ")]
    public void Deep_nesting_is_refused(string start, string level) => Assert.Contains("nested deeper than 32 levels",
        Assert.Throws<RunException>(() => TrainingOptions.Parse(start + string.Concat(Enumerable.Repeat(level, 10_000)))).Message);

    [Fact]
    public void Options_made_in_code_are_checked_too()
    {
        Assert.Contains("batch is '0'", Assert.Throws<OptionException>(() => new TrainingOptions { Batch = 0 }.Validate()).Message);
        Assert.Contains("size is '100'",
            Assert.Throws<OptionException>(() => new TrainingOptions { Height = 100, Width = 100 }.Validate()).Message);
        Assert.Contains("both 0",
            Assert.Throws<RunException>(() => new TrainingOptions { CrossEntropyWeight = 0, DiceWeight = 0 }.Validate()).Message);
        Assert.Contains("class_weights are all 0",
            Assert.Throws<OptionException>(() => new TrainingOptions { ClassWeights = [0, 0, 0] }.Validate()).Message);
        Assert.Contains("class_weights holds 2 numbers, expected 3",
            Assert.Throws<OptionException>(() => new TrainingOptions { ClassWeights = [1, 2] }.CreateLoss(3)).Message);
    }

    [Fact]
    public void One_option_changes_by_its_key()
    {
        TrainingOptions options = new TrainingOptions().With("class_weights", "1, 2, 4").With("size", "64x96").With("augmentation", "none")
            .With("epochs", "3");
        Assert.Equal([1, 2, 4], options.ClassWeights);
        Assert.Equal((64, 96, (int?)3), (options.Height, options.Width, options.Epochs));
        Assert.Null(options.With("epochs", "").Epochs);
        Assert.Throws<OptionException>(() => options.With("size", "65"));
    }

    [Fact]
    public void A_missing_file_is_named() =>
        Assert.Contains("nowhere.yaml: there is no such file",
            Assert.Throws<RunException>(() => TrainingOptions.Load("nowhere.yaml")).Message);
}
