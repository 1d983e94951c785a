using CsUnet.Tests.Cli;
using CsUnet.Verification;

namespace CsUnet.Tests.Verification;

/// <summary>The names that a pattern matches; every command accepts patterns.</summary>
public sealed class NamePatternTests
{
    [Theory]
    [InlineData("layer_norm", "LayerNorm", true)]
    [InlineData("LayerNorm", "layer_norm", true)]
    [InlineData("LAYERNORM", "AddLayerNorm (2,3)", true)]
    [InlineData("norm", "batch_norm", true)]
    [InlineData("batchnorms", "batch_norm", false)]
    [InlineData("*norm", "LayerNorm (2,3)", true)]
    [InlineData("*norm", "PatchMergeNorm", true)]
    [InlineData("conv*", "AddConv", false)]
    [InlineData("conv*relu", "conv_batch_norm_relu", true)]
    [InlineData("conv*relu*", "ConvBatchNorm", false)]
    [InlineData("a*a", "Ab", false)]
    [InlineData("ab*ba", "Aba", false)]
    [InlineData("a*b*c", "AxxCxxB", false)]
    [InlineData("a*b*c", "AxxBxxC", true)]
    [InlineData("*", "Add", true)]
    [InlineData("", "Add", true)]
    public void Spelling_and_stars_decide(string text, string name, bool expected) =>
        Assert.Equal(expected, new NamePattern(text).Matches(name));

    [Fact]
    public void An_exact_name_stands_for_one_operator()
    {
        string[] names = ["Gelu (1)", "GeluMlp (2)", "Gelu (3)"];
        Assert.Equal(["Gelu (1)", "Gelu (3)"], new NamePattern("gelu").Choose(names, name => name));
        Assert.Equal(["GeluMlp (2)"], new NamePattern("gelu_mlp").Choose(names, name => name));
        Assert.Equal(names, new NamePattern("gel").Choose(names, name => name));
        Assert.Equal(names, new NamePattern(null).Choose(names, name => name));
        Assert.Empty(new NamePattern("relu").Choose(names, name => name));
    }

    [Fact]
    public void The_lab_takes_both_spellings()
    {
        ProgramRun run = ProgramRun.Of("lab", "list", "--op", "layer_norm");
        Assert.Equal(0, run.Code);
        Assert.StartsWith("layer_norm  ", run.Out);
        Assert.Equal(run.Out, ProgramRun.Of("lab", "list", "--op", "LayerNorm").Out);
        Assert.Equal(run.Out, ProgramRun.Of("lab", "list", "--op", "layer*m").Out);
        Assert.Contains("batch_norm  ", ProgramRun.Of("lab", "list", "--op", "*Norm").Out);
    }

    [Fact]
    public void The_gradient_check_takes_both_spellings()
    {
        var names = new List<string>();
        foreach (string pattern in new[] { "maxpool2d", "max_pool2d", "MaxPool2d", "Max*2d" })
        {
            var found = new List<string>();
            Assert.True(GradCheckSuite.Run(new GradCheckSelection { Pattern = pattern }, report => found.Add(report.Name)));
            Assert.Equal(3, found.Count);
            if (names.Count == 0)
                names = found;
            Assert.Equal(names, found);
        }
    }

    [Fact]
    public void The_self_test_takes_both_spellings()
    {
        ProgramRun run = ProgramRun.Of("selftest", "--device", "cpu", "--filter", "batch_norm");
        Assert.Equal(0, run.Code);
        ProgramRun same = ProgramRun.Of("selftest", "--device", "cpu", "--filter", "BatchNorm");
        Assert.Equal(Cases(run), Cases(same));
        Assert.NotEmpty(Cases(run));

        static List<string> Cases(ProgramRun run) => [.. run.Out.Split('\n').Select(line => line.Split(' ')[0])
            .Where(word => word.StartsWith("batch_norm", StringComparison.Ordinal))];
    }
}
