using System.Reflection;
using System.Text.RegularExpressions;
using CsUnet.Cuda;

namespace CsUnet.Tests.Library;

/// <summary>The pages below docs: their programs run and print what the pages say, and the classes that they name exist.</summary>
public sealed class DocsTests
{
    public static TheoryData<string, int> Programs { get; } = new()
    {
        { "first-network.md", 0 }, { "own-operator.md", 0 }, { "own-operator.md", 1 },
    };

    [Theory]
    [MemberData(nameof(Programs))]
    public void A_program_prints_what_the_page_says(string page, int number) => DocumentedProgram.Of(page)[number].Check();

    [Theory]
    [MemberData(nameof(Programs))]
    public void A_program_prints_the_same_on_the_emulated_device(string page, int number)
    {
        try
        {
            _ = EmulatorBuild.Library;
        }
        catch (CudaException failure) when (failure.Message.Contains("g++' was not found", StringComparison.Ordinal))
        {
            Assert.Skip(failure.Message);
        }
        DocumentedProgram.Of(page)[number].Check("Device.Default = DeviceSelection.Open(\"cuda:emulated\").Device;");
    }

    [Fact]
    public void Every_program_with_an_output_is_run()
    {
        int shown = Directory.GetFiles(Path.Combine(DocumentedProgram.Root, "docs"), "*.md")
            .Sum(page => DocumentedProgram.Of(Path.GetFileName(page)).Count);
        Assert.Equal(Programs.Count, shown);
    }

    [Fact]
    public void The_loss_of_the_first_network_falls()
    {
        IReadOnlyList<string> output = DocumentedProgram.Of("first-network.md")[0].Output;
        double[] losses = [.. output.Where(line => line.StartsWith("step ", StringComparison.Ordinal))
            .Select(line => double.Parse(line.Split(": ")[1], System.Globalization.CultureInfo.InvariantCulture))];
        Assert.Equal(4, losses.Length);
        Assert.Equal(losses.OrderDescending(), losses);
        Assert.True(losses[^1] < losses[0] / 10, $"{losses[0]} to {losses[^1]}");
    }

    [Theory]
    [InlineData("how-a-step-runs.md", 25)]
    [InlineData("first-network.md", 3)]
    [InlineData("own-operator.md", 5)]
    public void Every_class_that_a_page_names_exists(string page, int least)
    {
        const BindingFlags All = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static;
        Type[] types = [.. Directory.GetFiles(AppContext.BaseDirectory, "CsUnet.*.dll").Select(Assembly.LoadFrom)
            .SelectMany(assembly => assembly.GetTypes())
            .Where(type => !type.FullName!.StartsWith("CsUnet.Tests", StringComparison.Ordinal))];
        HashSet<string> classes = [.. types.Select(type => type.Name)];
        HashSet<string> known = [.. classes, .. types.SelectMany(type => type.GetMembers(All)).Select(member => member.Name)];
        string text = File.ReadAllText(Path.Combine(DocumentedProgram.Root, "docs", page));
        text = Regex.Replace(text, "```.*?```", "", RegexOptions.Singleline);
        string[] names = [.. Regex.Matches(text, @"`(?:(?!CsUnet)[A-Z]\w+)(?:\.[A-Z]\w+)*`")
            .SelectMany(match => match.Value.Trim('`').Split('.')).Distinct()];
        Assert.True(names.Length >= least, $"only {string.Join(", ", names)}");
        Assert.All(names, name => Assert.Contains(name, known));
        // This page promises classes; the members that it names belong to one.
        if (page == "how-a-step-runs.md")
            Assert.All(Regex.Matches(text, @"`([A-Z]\w+)`").Select(match => match.Groups[1].Value), name => Assert.Contains(name, classes));
    }
}
