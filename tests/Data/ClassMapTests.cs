using CsUnet.Data;
using CsUnet.Tests.Support;

namespace CsUnet.Tests.Data;

public class ClassMapTests
{
    private const string Good = """
        classes:
          - {name: matrix, values: [0, 7], display: "#102030"}
          - {name: pore, colours: [[255, 0, 0], "#00ff00"]}
          - {name: rest}
        mask_suffix: _label
        default: rest
        ignore: [255, [1, 2, 3]]
        """;

    [Fact]
    public void Yaml_is_read()
    {
        ClassMap map = ClassMap.FromYaml(Good, "set.yaml");
        Assert.Equal(["matrix", "pore", "rest"], map.Classes.Select(entry => entry.Name));
        Assert.Equal("_label", map.MaskSuffix);
        Assert.Equal(2, map.DefaultLabel);
        Assert.Equal(new Rgb(16, 32, 48), map.Classes[0].Display);
        Assert.Equal(new Rgb(255, 0, 0), map.Classes[1].Display);
        ushort[] colours = [7, 7, 7, 255, 0, 0, 0, 255, 0, 9, 9, 9, 255, 255, 255, 1, 2, 3];
        byte[] labels = map.Label(new MaskImage(colours, 2, 3, 3, 8), out string? unknown);
        Assert.Null(unknown);
        Assert.Equal(new byte[] { 0, 1, 1, 2, ClassMap.Ignored, ClassMap.Ignored }, labels);
    }

    [Fact]
    public void Yaml_round_trips()
    {
        foreach (ClassMap map in (ClassMap[])[ClassMap.FromYaml(Good, "set.yaml"), .. ClassMap.BuiltIn,
            ClassMap.FromYaml("classes: [{name: 'a \"b\" \\: c', values: [300]}]", "x")])
        {
            ClassMap again = ClassMap.FromYaml(map.ToYaml(), "run");
            Assert.Equal(map.ToYaml(), again.ToYaml());
            Assert.Equal(map.Name, again.Name);
            Assert.Equal(map.Classes.Select(entry => entry.Name), again.Classes.Select(entry => entry.Name));
            Assert.Equal(map.Palette, again.Palette);
            Assert.Equal(map.DefaultLabel, again.DefaultLabel);
        }
    }

    [Theory]
    [InlineData("", "empty")]
    [InlineData("[1, 2]", "root is a list")]
    [InlineData("classes: []", "no class")]
    [InlineData("mask_suffix: a", "no class")]
    [InlineData("classes: {a: 1}", "expected a list")]
    [InlineData("classes: [a]", "expected a mapping")]
    [InlineData("classes: [{values: [0]}]", "'name'")]
    [InlineData("classes: [{name: a, values: [0]}]\nclases: []", "unknown key 'clases'")]
    [InlineData("classes: [{name: a, value: [0]}]", "unknown key 'value'")]
    [InlineData("classes: [{name: a, values: [0]}]\nclasses: []", "not valid YAML")]
    [InlineData("classes: [{name: a, values: [0]", "not valid YAML")]
    [InlineData("classes: [{name: a, values: [0]}, {name: a, values: [1]}]", "two classes are named 'a'")]
    [InlineData("classes: [{name: a, values: [0]}, {name: b, values: [0]}]", "value 0 is listed for 'a' and for 'b'")]
    [InlineData("classes: [{name: a, values: [5]}, {name: b, colours: [[5, 5, 5]]}]", "value 5 is listed")]
    [InlineData("classes: [{name: a, values: [0]}]\nignore: [0]", "value 0 is listed")]
    [InlineData("classes: [{name: a}]", "neither values nor colours")]
    [InlineData("classes: [{name: a, values: [0.5]}]", "whole numbers")]
    [InlineData("classes: [{name: a, values: [-1]}]", "from 0 to 65535")]
    [InlineData("classes: [{name: a, values: [x]}]", "'x'")]
    [InlineData("classes: [{name: a, colours: [red]}]", "a colour")]
    [InlineData("classes: [{name: a, colours: [[1, 2]]}]", "a colour")]
    [InlineData("classes: [{name: a, colours: [[1, 2, 300]]}]", "from 0 to 255")]
    [InlineData("classes: [{name: a, values: [0]}]\ndefault: b", "no class 'b'")]
    [InlineData("classes: [{name: a, values: [0]}]\nmask_suffix: a/b", "path separator")]
    public void Bad_yaml_is_named(string yaml, string part)
    {
        DataException failure = Assert.Throws<DataException>(() => ClassMap.FromYaml(yaml, "set.yaml"));
        Assert.Contains(part, failure.Message);
        Assert.StartsWith("set.yaml", failure.Message);
    }

    [Fact]
    public void Deep_nesting_is_refused() => Assert.Contains("nested deeper than 32 levels",
        Assert.Throws<DataException>(() => ClassMap.FromYaml("classes: " + new string('[', 10_000), "set.yaml")).Message);

    [Fact]
    public void Unknown_values_are_counted_and_placed()
    {
        byte[] labels = ClassMap.NasaEbc.Label(new MaskImage([0, 1, 9, 2, 9, 7], 2, 3, 1, 8), out string? unknown);
        Assert.Equal("value 9 in 2 pixels, first at row 0, column 2; value 7 in 1 pixel, first at row 1, column 2", unknown);
        Assert.Equal(new byte[] { 0, 1, 255, 1, 255, 255 }, labels);
    }

    [Fact]
    public void Sixteen_bit_values_may_be_scaled_or_not()
    {
        Assert.Equal(new byte[] { 0, 1, 1 }, ClassMap.NasaEbc.Label(new MaskImage([0, 1, 2], 1, 3, 1, 16), out string? unknown));
        Assert.Null(unknown);
        Assert.Equal(new byte[] { 0, 1, 1 }, ClassMap.NasaEbc.Label(new MaskImage([0, 257, 514], 1, 3, 1, 16), out unknown));
        Assert.Null(unknown);
        ClassMap.NasaEbc.Label(new MaskImage([0, 300, 514], 1, 3, 1, 16), out unknown);
        Assert.Contains("value 300", unknown);
    }

    [Fact]
    public void Maps_are_loaded_by_name_or_file()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("mine.yaml"), Good);
        Assert.Same(ClassMap.NasaEbc, ClassMap.Load("nasa-ebc"));
        Assert.Equal("mine", ClassMap.Load(folder.File("mine.yaml")).Name);
        Assert.Contains("nasa-super", Assert.Throws<DataException>(() => ClassMap.Load("nasa-sup")).Message);
    }
}
