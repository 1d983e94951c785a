using System.Diagnostics;
using System.Text;
using CsUnet.Data;
using CsUnet.Tensors;
using CsUnet.Tests.Support;
using CsUnet.Training;

namespace CsUnet.Tests.Data;

public sealed class YamlTextTests
{
    [Theory]
    [InlineData("&a [*a]: 1\n", 1, "an anchor")]
    [InlineData("a: 1\n? [*x]\n: 1\n", 2, "as a key")]
    [InlineData("a: *x\n", 1, "an alias")]
    [InlineData("a: 1\nb: &x 2\n", 2, "an anchor")]
    [InlineData("a: !!int 1\n", 1, "a tag")]
    [InlineData("a: !<tag:yaml.org,2002:python/object> 1\n", 1, "a tag")]
    [InlineData("a: ! 1\n", 1, "a tag")]
    [InlineData("{a: 1}: 2\n", 1, "as a key")]
    [InlineData("? [a, b]\n: 2\n", 1, "as a key")]
    [InlineData("a: {b: {? [c]: 1}}\n", 1, "as a key")]
    [InlineData("a: 1\na: 2\n", 2, "'a' stands twice")]
    [InlineData("b: {a: 1, 'a': 2}\n", 1, "'a' stands twice")]
    [InlineData("a: 1\n---\nb: 2\n", 2, "a second document")]
    [InlineData("a: 1\n...\nb: 2\n", 3, "a second document")]
    [InlineData("a: 1\n...\ntext\n", 3, "a second document")]
    [InlineData("a: [\nb: 1\n", 2, "not valid YAML")]
    [InlineData("a: [1, 2\nb: 1\n", 2, "not valid YAML")]
    [InlineData("a: {b: 1\nc: [2\n", 2, "not valid YAML")]
    [InlineData("a: \"b\n", 1, "not valid YAML")]
    [InlineData("a: \"\\z\"\n", 1, "not valid YAML")]
    [InlineData("a: \"\\uD800\"\n", 1, "not valid YAML")]
    [InlineData("a: 1\n\0b: 2\n", 2, "U+0000")]
    [InlineData("a: 1\nb: \u0007\n", 2, "U+0007")]
    [InlineData("a: 1\u0085b: 2\n", 1, "U+0085")]
    [InlineData("a: x\u2028b: 2\n", 1, "U+2028")]
    public void What_is_not_read_is_named_with_its_line(string yaml, int line, string part)
    {
        DataException failure = Assert.Throws<DataException>(() => YamlSection.Parse(yaml, "a.yaml"));
        Assert.StartsWith($"a.yaml, line {line}: ", failure.Message);
        Assert.Contains(part, failure.Message);
        Assert.Equal(PlainText.Of(failure.Message), failure.Message);
    }

    [Fact]
    public void Half_a_character_is_named_with_its_line()
    {
        foreach (string half in new[] { "\ud83d", "\ude00", "\ud83dx", "x\ude00" })
            Assert.StartsWith("a.yaml, line 2: has the character U+D",
                Assert.Throws<DataException>(() => YamlSection.Parse($"a: 1\nb: {half}\n", "a.yaml")).Message);
    }

    [Theory]
    [InlineData("[", 100_000)]
    [InlineData("{a: ", 100_000)]
    [InlineData("- ", 100_000)]
    [InlineData("? ", 100_000)]
    [InlineData("a:\n", 300_000)]
    [InlineData("[],", 1_000_000)]
    [InlineData("&a [*a, *a],\n", 200_000)]
    [InlineData("\"", 2_000_000)]
    [InlineData("a: b, ", 600_000)]
    [InlineData("%TAG !e! tag:x:\n", 200_000)]
    public void Hostile_text_is_refused_at_once(string unit, int count)
    {
        string text = string.Concat(Enumerable.Repeat(unit, count));
        long start = Stopwatch.GetTimestamp();
        Assert.Throws<DataException>(() => YamlSection.Parse("x: [" + text, "a.yaml"));
        Assert.Throws<DataException>(() => YamlSection.Parse(text, "a.yaml"));
        Assert.True(Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(5), $"{Stopwatch.GetElapsedTime(start)}");
    }

    [Fact]
    public void Aliases_that_multiply_are_refused_at_once()
    {
        var bomb = new StringBuilder("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
        for (int i = 1; i < 12; i++)
            bomb.Append($"a{i}: &a{i} [{string.Join(", ", Enumerable.Repeat($"*a{i - 1}", 9))}]\n");
        Assert.Throws<DataException>(() => YamlSection.Parse(bomb + "? *a11\n: 1\n", "a.yaml"));
    }

    [Fact]
    public void A_file_larger_than_any_class_map_is_refused()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("large.yaml"), "steps: 1 #" + new string('x', (int)YamlText.LargestFile));
        Assert.Contains("has more than 4194304 bytes",
            Assert.Throws<DataException>(() => YamlSection.Load(folder.File("large.yaml"))).Message);
        string values = string.Join(", ", Enumerable.Range(2, 65_534));
        ClassMap map = ClassMap.FromYaml($"classes: [{{name: a, values: [0]}}, {{name: b, values: [{values}]}}]", "every.yaml");
        Assert.Equal(65_534, map.Classes[1].Values.Count);
    }

    [Theory]
    [InlineData("utf-8", true)]
    [InlineData("utf-16", true)]
    [InlineData("utf-16BE", true)]
    [InlineData("utf-32", true)]
    [InlineData("utf-8", false)]
    public void An_encoding_with_its_mark_is_read(string name, bool hasMark)
    {
        using var folder = new TemporaryFolder();
        var encoding = Encoding.GetEncoding(name);
        byte[] text = encoding.GetBytes("data: größe\n");
        File.WriteAllBytes(folder.File("a.yaml"), hasMark ? [.. encoding.GetPreamble(), .. text] : text);
        Assert.Equal("größe", TrainingOptions.Load(folder.File("a.yaml")).Data);
    }

    [Fact]
    public void Another_encoding_is_refused_by_name()
    {
        using var folder = new TemporaryFolder();
        string path = folder.File("a.yaml");
        File.WriteAllBytes(path, Encoding.Latin1.GetBytes("# sizes\ndata: größe\n"));
        string message = Assert.Throws<RunException>(() => TrainingOptions.Load(path)).Message;
        Assert.Equal(
            $"{path}, line 2: is not UTF-8: it has the byte 0xF6 (in Latin-1: 'ö'), expected UTF-8 text; save it as UTF-8", message);
        Assert.StartsWith(message[..message.IndexOf(';', StringComparison.Ordinal)],
            Assert.Throws<DataException>(() => ClassMap.Load(path)).Message);
        File.WriteAllBytes(path, Encoding.Unicode.GetBytes("data: x\n"));
        Assert.Contains("UTF-16 without a byte order mark", Assert.Throws<RunException>(() => TrainingOptions.Load(path)).Message);
        File.WriteAllBytes(path, [0xff, 0xfe, (byte)'a', 0, (byte)'b']);
        Assert.Contains("byte order mark says so", Assert.Throws<RunException>(() => TrainingOptions.Load(path)).Message);
    }

    // Every character of the first plane by itself and in a word, and some beyond it.
    [Fact]
    public void A_quoted_text_reads_back_as_it_was()
    {
        var text = new StringBuilder();
        for (int line = 0; line < 0x110; line++)
        {
            string characters = string.Concat(Enumerable.Range(line << 8, 256).Where(c => c is > 0 and not (>= 0xD800 and < 0xE000))
                .Select(c => $"{char.ConvertFromUtf32(c)}a"));
            text.Append($"k{line}: {YamlText.Quote(characters)}\n");
            YamlSection one = YamlSection.Parse($"x: {YamlText.Quote(characters)}  # a comment\n", "x");
            Assert.Equal(characters, one.Text("x"));
            Assert.Equal([characters], YamlSection.Parse($"x: [{YamlText.Scalar(characters)}]\n", "x").Values("x"));
        }
        Assert.Equal(0x110, YamlSection.Parse(text.ToString(), "x").Keys.Count());
    }

    public static TheoryData<string> Names =>
    [
        "a\u2028b", "a\u2029b", "a\u0085b", " leading", "trailing ", "a: b", "a #b", "# a", "- a", "[a]", "{a}", "*a", "&a", "!a", "|",
        ">", "%a", "@a", "`a", "'a'", "\"a\"", "null", "~", "true", "no", "1", "1e3", "a\\b", "\u202ea", "\u200b", "\ufeffa", "\u00a0",
        "👩‍🔬", "日本", "?", ",", "", "a\tb", "a\nb", "a\r\nb", "\0", "\u001b[31m", "---", "...", "<<",
    ];

    [Theory]
    [MemberData(nameof(Names))]
    public void Any_name_of_data_reads_back_from_config_yaml(string name)
    {
        using var folder = new TemporaryFolder();
        var options = new TrainingOptions { Data = $"/data/{name}", Classes = $"{name}.yaml", Subset = [$"a{name}", "b"] };
        options.Save(folder.File("config.yaml"));
        Assert.Equal(options, TrainingOptions.Load(folder.File("config.yaml")));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Any_name_of_a_class_reads_back_or_is_refused(string name)
    {
        // A suffix is a part of a file's name.
        string suffix = $"_{name.Replace('\\', '_')}";
        ClassMap Map() => new(
            name, [new SegmentationClass(name, default, [0], []), new SegmentationClass("b", default, [], [])], suffix, defaultLabel: 1);
        if (name.Length == 0 || name.Any(char.IsControl))
        {
            Assert.Throws<InvalidValueException>(Map);
            return;
        }
        ClassMap read = ClassMap.FromYaml(Map().ToYaml(), "classes.yaml");
        Assert.Equal((name, name, suffix), (read.Name, read.Classes[0].Name, read.MaskSuffix));
    }

    [Fact]
    public void Half_a_character_is_refused_before_anything_is_written()
    {
        using var folder = new TemporaryFolder();
        Assert.Throws<InvalidValueException>(() => new ClassMap("x", [new SegmentationClass("a\ud83d", default, [0], [])]));
        Assert.Contains("would not read back", Assert.Throws<InvalidValueException>(
            () => new ClassMap("x\ud83d", [new SegmentationClass("a", default, [0], [])]).ToYaml()).Message);
        Assert.ThrowsAny<RunException>(() => new TrainingOptions { Data = "a\ud83d" }.Save(folder.File("config.yaml")));
        Assert.Empty(Directory.GetFiles(folder.Path));
    }
}
