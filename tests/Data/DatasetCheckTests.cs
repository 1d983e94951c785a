using CsUnet.Data;
using CsUnet.Tests.Support;

namespace CsUnet.Tests.Data;

/// <summary>Classes of a set as a whole, and what fell to the default class.</summary>
public sealed class DatasetCheckTests : IDisposable
{
    private static readonly ClassMap
        s_listed = ClassMap.FromYaml("classes: [{name: ground, values: [0]}, {name: disc, values: [1]}]", "map"),
        s_three = ClassMap.FromYaml(
            "classes: [{name: ground, values: [0]}, {name: disc, values: [1]}, {name: crack, values: [2]}]", "map"),
        s_default = ClassMap.FromYaml("default: ground\nclasses: [{name: ground}, {name: disc, values: [1]}]", "map"),
        s_white = ClassMap.FromYaml("default: ground\nclasses: [{name: ground}, {name: disc, values: [255]}]", "map"),
        s_red = ClassMap.FromYaml("default: ground\nclasses: [{name: ground}, {name: disc, colours: [[255, 0, 0]]}]", "map");

    private readonly DiscSet _set = new();

    public void Dispose() => _set.Dispose();

    [Fact]
    public void A_sound_set_has_neither_problems_nor_warnings()
    {
        DatasetCheck check = _set.Add("train", 1, 0, 1).Add("train", 2, 0, 1).Add("val", 3, 0, 1).Add("test", 4, 0, 1).Check(s_default);
        Assert.Empty(check.Problems);
        Assert.Empty(check.Warnings);
        Assert.Equal(["train", "val", "test"], check.Table.Splits);
        Assert.Equal(["2", "1", "1"], check.Table.Rows.Single(row => row.Name == "images").Cells);
        double share = DiscSet.Labels(3).Average(label => (double)label);
        Assert.Equal(FormattableString.Invariant($"{100 * share:F2} %"), check.Table.Rows.Single(row => row.Name == "class disc").Cells[1]);
        DatasetTable.DefaultedRow ground = Assert.Single(check.Table.Defaulted, row => row.Split == "val");
        Assert.Equal(("value 0", DiscSet.Labels(3).Count(label => label == 0), ""), (ground.Value, ground.Pixels, ground.Near));
    }

    [Fact]
    public void Masks_of_0_and_255_against_a_class_of_1_are_a_problem_with_the_values_that_fell_to_the_default()
    {
        DatasetCheck check = _set.Add("train", 1, 0, 255).Add("val", 2, 0, 255).Check(s_default);
        DataException problem = Assert.Single(check.Problems);
        int discs = DiscSet.Labels(1).Count(label => label == 1), all = 64 * 64;
        Assert.Equal($"{_set.File("train_annot")}: class 'disc' has no pixel in any mask of train and val; of {all} pixels of train, {all} "
            + $"fell to the default class 'ground': value 0 in {all - discs} pixels, value 255 in {discs} pixels, expected value 1 "
            + "for 'disc' in some training masks; correct the class map, or take the class out of it", problem.Message);
    }

    [Fact]
    public void A_colour_near_a_listed_one_is_named()
    {
        DatasetCheck check = _set.Add("train", 1, _ => new Rgb(254, 0, 0)).Add("val", 2, _ => new Rgb(254, 0, 0)).Check(s_red);
        Assert.Contains("(254,0,0) in ", Assert.Single(check.Problems).Message);
        Assert.Contains("near class 'disc' (255,0,0)", check.Problems[0].Message);
        int discs = DiscSet.Labels(1).Count(label => label == 1);
        Assert.Contains(check.Warnings, warning => warning.StartsWith("train: (254,0,0) is near class 'disc' (255,0,0), but not listed: "
            + FormattableString.Invariant($"{discs} pixels became 'ground', {100.0 * discs / 4096:F2} % of all, ")
            + "100.0 % of what may be 'disc'", StringComparison.Ordinal));
    }

    [Fact]
    public void Smoothed_borders_are_a_warning_with_their_share_of_the_class()
    {
        // Every fifth pixel of a disc is a blend; those nearer to the ground belong to no class.
        Rgb Blend(int pixel) => new(pixel % 5 != 0 ? (byte)255 : (byte)(40 + pixel % 200), 0, 0);
        DatasetCheck check = _set.Add("train", 1, Blend).Add("val", 2, Blend).Check(s_red);
        Assert.Empty(check.Problems);
        string warning = Assert.Single(check.Warnings, warning => warning.StartsWith("train", StringComparison.Ordinal));
        Assert.Matches(@"^train: \d+ values are near class 'disc' \(255,0,0\), but not listed: such as \(\d+,0,0\) in ", warning);
        Assert.Matches(@"\d+\.\d % of what may be 'disc'$", warning);
        Assert.DoesNotContain(check.Splits[0].Defaulted, entry => entry.NearClass is null != entry.Value.R < 128);
    }

    [Theory]
    // A mask saved with a loss: 254 was 255. Numbers of classes are not near each other, and 0 is what falls to a default.
    [InlineData(254, true)]
    [InlineData(230, true)]
    [InlineData(128, false)]
    [InlineData(2, false)]
    public void Grey_values_are_near_a_listed_intensity(byte value, bool isNear)
    {
        DatasetCheck check = _set.Add("train", "a", DiscSet.Picture(1), [.. DiscSet.Labels(1).Select((label, i) =>
            label == 0 ? (byte)0 : i % 2 == 0 ? value : (byte)255)]).Add("val", 2, 0, 255).Check(s_white);
        Assert.Equal(isNear, check.Warnings.Any(warning => warning.Contains($"value {value} is near class 'disc' value 255")));
    }

    [Fact]
    public void Numbers_of_classes_are_not_near_each_other() =>
        Assert.Empty(_set.Add("train", 1, 0, 1).Add("val", 2, 2, 1).Check(s_default).Warnings);

    [Fact]
    public void A_class_that_only_validation_has_is_a_warning()
    {
        DatasetCheck check = _set.Add("train", 1, 0, 1).Add("val", "b", DiscSet.Picture(2),
            [.. DiscSet.Labels(2).Select((label, i) => i < 41 ? (byte)2 : label)]).Check(s_three);
        Assert.Empty(check.Problems);
        Assert.Equal(["class 'crack' has no pixel in the training masks, but in val (1.00 %): the network cannot learn it"],
            check.Warnings);
    }

    [Fact]
    public void A_class_in_no_mask_is_a_problem()
    {
        DatasetCheck check = _set.Add("train", 1, 0, 1).Add("val", 2, 0, 1).Check(s_three);
        Assert.Contains("class 'crack' has no pixel in any mask of train and val, expected value 2 for 'crack'",
            Assert.Single(check.Problems).Message);
    }

    [Fact]
    public void A_class_that_validation_or_test_lacks_is_a_warning()
    {
        DatasetCheck check = _set.Add("train", 1, 0, 1).Add("val", 2, 0, 0).Add("test", 3, 0, 0).Check(s_default);
        Assert.Empty(check.Problems);
        Assert.Contains(check.Warnings, warning => warning.StartsWith(
            "class 'disc' has no pixel in the masks of val, but in those of train: validation cannot judge it; of 4096 pixels of val, 4096 "
            + "fell to the default class 'ground': value 0 in 4096 pixels", StringComparison.Ordinal));
        Assert.Contains(check.Warnings, warning => warning.StartsWith("class 'disc' has no pixel in the masks of test",
            StringComparison.Ordinal));
    }

    [Fact]
    public void Validation_masks_of_another_kind_are_a_problem()
    {
        DatasetCheck check = _set.Add("train", 1, 0, 1).Add("val", 2, 0, 255).Check(s_default);
        string message = Assert.Single(check.Problems).Message;
        Assert.StartsWith($"{_set.File("val_annot")}: class 'disc' has no pixel in the masks of val", message);
        Assert.Contains("value 255 in", message);
    }

    [Fact]
    public void Validation_without_a_class_of_the_training_is_a_problem() => Assert.Contains("no pixel in the masks of val",
        Assert.Single(_set.Add("train", 1, 0, 1).Add("val", 2, 2, 2).Check(s_three).Problems).Message);

    [Theory]
    [InlineData("val")]
    [InlineData("test")]
    public void Training_masks_of_one_class_are_a_problem_though_another_split_has_the_others(string split) =>
        Assert.Contains("every pixel of the training masks is of class 'ground': there is nothing to learn; of 4096 pixels of train",
            Assert.Single(_set.Add("train", 1, 0, 255).Add(split, 2, 0, 1).Check(s_default).Problems).Message);

    [Fact]
    public void A_subset_is_checked_as_the_training_images()
    {
        _set.Add("train", 1, 0, 0).Add("train", 2, 0, 1);
        SplitSummary Open(params string[] names) => MicrographDataset.Open(_set.Path, "train", s_listed, names).Summary;
        Assert.Empty(DatasetCheck.Of(s_listed, Open("im2")).Problems);
        Assert.Single(DatasetCheck.Of(s_listed, Open("im1")).Problems);
    }

    [Fact]
    public void Sixteen_bit_masks_count_as_the_same_values()
    {
        byte[] labels = DiscSet.Labels(2);
        _set.Add("train", 1, 0, 254);
        ImageFileTests.Save(_set.File("train/im2.tif"), DiscSet.Picture(2).Pixels, 64, 64, 1);
        ImageFileTests.Save<ushort>(_set.File("train_annot/im2.tif"), [.. labels.Select(label => (ushort)(254 * 257 * label))], 64, 64, 1);
        DefaultedValue value = Assert.Single(_set.Check(s_white).Splits[0].Defaulted, entry => entry.NearClass is not null);
        Assert.Equal(new MaskValue(254, 254, 254), value.Value);
        Assert.Equal(DiscSet.Labels(1).Concat(labels).Count(label => label == 1), value.Pixels);
        // Samples that are not such multiples are named as they stand in the file.
        ImageFileTests.Save<ushort>(_set.File("train_annot/im2.tif"), [.. labels.Select(label => (ushort)(65_300 * label))], 64, 64, 1);
        Assert.Contains(_set.Check(s_white).Splits[0].Defaulted, entry => entry is { NearClass: "disc" }
            && entry.Value.ToString() == "value 65300 of 16 bits");
    }

    [Fact]
    public void Counts_come_from_the_pass_that_checks_the_files()
    {
        _set.Add("train", 1, 0, 1).Add("train", 2, 0, 1);
        MicrographDataset set = MicrographDataset.Open(_set.Path, "train", s_listed, memoryLimit: 0);
        Directory.Delete(_set.File("train_annot"), recursive: true);
        Directory.Delete(_set.File("train"), recursive: true);
        Assert.Equal(2 * 64 * 64, set.Summary.Pixels);
        Assert.Equal((DiscSet.Labels(1).Sum(label => label) + DiscSet.Labels(2).Sum(label => label)) / (2.0 * 64 * 64),
            set.PixelShares()[1]);
    }

    [Fact]
    public void Ignored_pixels_have_no_part_in_the_shares()
    {
        ClassMap map = ClassMap.FromYaml(
            "classes: [{name: ground, values: [0]}, {name: disc, values: [1]}]\nignore: [9]", "map");
        byte[] mask = [.. Enumerable.Range(0, 64 * 64).Select(i => (byte)(i < 2048 ? 9 : i < 3072 ? 1 : 0))];
        DatasetTable table = _set.Add("train", "a", DiscSet.Picture(1), mask).Check(map).Table;
        Assert.Equal(["50.00 %"], table.Rows.Single(row => row.Name == "class disc").Cells);
        Assert.Equal(["50.00 %"], table.Rows.Single(row => row.Name == "ignored, of all pixels").Cells);
    }

    [Fact]
    public void Very_many_colours_are_counted_together()
    {
        var counts = new MaskCounts();
        for (ulong colour = 0; colour < 100_000; colour++)
            counts.Add(0, colour << 16 | 7, 2, isDefaulted: true, scaled: false);
        Assert.Equal(200_000, counts.Labels[0]);
        Assert.Equal(200_000, counts.Defaulted.Sum(entry => entry.Pixels) + counts.Uncounted);
        Assert.InRange(counts.Defaulted.Count(), 60_000, 70_000);
    }
}
