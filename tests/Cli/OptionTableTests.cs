using CsUnet.Data;
using CsUnet.Training;

namespace CsUnet.Tests.Cli;

/// <summary>The table of options and its readers.</summary>
public sealed class OptionTableTests
{
    public static TheoryData<string> Keys => [.. TrainingOptions.Keys];

    [Fact]
    public void Names_are_unique()
    {
        string[] names = [.. TrainingOptionTable.All.SelectMany(option => option.Aliases.Append(option.Key))];
        Assert.Equal(names.Distinct(), names);
    }

    [Theory]
    [MemberData(nameof(Keys))]
    public void File_and_help_say_what_the_table_says(string key)
    {
        TrainingOption option = TrainingOptionTable.Find(key);
        Assert.Matches("^[A-Z].*[^.]$", option.Meaning);
        string[] lines = new TrainingOptions().ToYaml().Split('\n');
        Assert.Contains($"  # {option.Meaning}", lines.Single(line => line.StartsWith($"{key}:", StringComparison.Ordinal)));
        // The help wraps its lines, and prints the names of an option before them.
        string help = string.Join(' ', ProgramRun.Of("train", "--help").Out.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        Assert.Contains($"--{key.Replace('_', '-')}", help);
        Assert.Contains(string.Join(' ', option.Meaning.Split(' ')), help);
        Assert.Contains($"Default: {option.Default}.", help);
    }

    [Theory]
    [MemberData(nameof(Keys))]
    public void A_default_that_is_read_again_changes_nothing(string key)
    {
        TrainingOption option = TrainingOptionTable.Find(key);
        var defaults = new TrainingOptions();
        string text = option.Form == OptionForm.Section ? option.Default : string.Join(',', option.Write(defaults));
        TrainingOptions read = option.Read(defaults, OptionText.Of(option, text));
        Assert.True(option.AreEqual(defaults, read));
        Assert.Equal(option.HashOf(defaults), option.HashOf(read));
        Assert.Empty(TrainingOptionTable.Differences(defaults, read));
    }

    [Theory]
    [InlineData("steps", "301")]
    [InlineData("window", "4")]
    [InlineData("depths", "2,2,2,4")]
    [InlineData("encoder_layers", "2,2,2,3")]
    [InlineData("cnn_weights", "resnet18.pth")]
    [InlineData("class_weights", "1,1,2")]
    [InlineData("mlp", "mlp")]
    [InlineData("size", "128x160")]
    [InlineData("data", "here")]
    [InlineData("intensity", "0,4095")]
    [InlineData("augmentation", "nasa")]
    public void A_difference_is_found_by_its_key(string key, string value)
    {
        var defaults = new TrainingOptions();
        TrainingOptions changed = defaults.With(key, value);
        Assert.Equal([key], TrainingOptionTable.Differences(defaults, changed));
        Assert.NotEqual(defaults, changed);
        Assert.Equal(changed, defaults.With(key, value));
        Assert.Equal(changed.GetHashCode(), defaults.With(key, value).GetHashCode());
    }

    [Fact]
    public void Augmentations_are_compared_by_value()
    {
        AugmentationOptions nasa = AugmentationOptions.FromYaml(AugmentationOptions.Nasa.ToYaml(), "nasa.yaml");
        Assert.NotSame(AugmentationOptions.Nasa, nasa);
        Assert.Empty(TrainingOptionTable.Differences(
            new TrainingOptions { Augmentation = nasa }, new TrainingOptions { Augmentation = AugmentationOptions.Nasa }));
        AugmentationOptions other = nasa with { Pixels = [.. nasa.Pixels.Skip(1)] };
        Assert.Equal(["augmentation"], TrainingOptionTable.Differences(
            new TrainingOptions { Augmentation = nasa }, new TrainingOptions { Augmentation = other }));
    }

    [Fact]
    public void The_order_of_keys_in_the_file_stays() => Assert.Equal(
        "model size encoder encoder_width encoder_layers cnn_weights window embed_dim depths heads mlp drop_path data classes "
            + "subset intensity batch steps epochs optimizer learning_rate weight_decay momentum schedule warm_up "
            + "minimum_learning_rate schedule_every schedule_factor plateau_patience clip_norm cross_entropy_weight dice_weight "
            + "class_weights validate_every checkpoint_every patience validation_stride tile_stride precision seed threads "
            + "augmentation",
        string.Join(' ', TrainingOptions.Keys));

    [Fact]
    public void The_page_of_options_is_the_table()
    {
        if (Environment.GetEnvironmentVariable(OptionsPage.WriteVariable) == "1")
            File.WriteAllText(OptionsPage.Path, OptionsPage.Text());
        Assert.Equal(OptionsPage.Text(), File.ReadAllText(OptionsPage.Path));
    }
}
