using System.CommandLine;
using CsUnet.Cli;
using CsUnet.Training;

namespace CsUnet.Tests.Cli;

public sealed class HelpTests
{
    public static TheoryData<string> Commands => ["", "train", "check", "evaluate", "predict", "demo", "selftest", "bench", "bench step",
        "gradcheck", "devices", "kernels", "kernels list", "kernels profile",
        "bench compare", "lab", "lab list", "lab check", "lab bench", "lab compare", "lab tune", "lab watch", "lab project",
        "lab resources", "lab report"];

    [Theory]
    [MemberData(nameof(Commands))]
    public void Every_command_has_help(string command)
    {
        foreach (string flag in new[] { "--help", "-h", "-?" })
        {
            ProgramRun run = ProgramRun.Of([.. command.Split(' ', StringSplitOptions.RemoveEmptyEntries), flag]);
            Assert.Equal(ExitCode.Success, run.Code);
            Assert.Empty(run.Error);
            Assert.Contains("Usage:", run.Out);
            Assert.All(run.Out.Split('\n'), line => Assert.True(line.Length <= 120, line));
        }
    }

    [Theory]
    [InlineData("train")]
    [InlineData("check")]
    [InlineData("evaluate")]
    [InlineData("predict")]
    [InlineData("demo")]
    [InlineData("selftest")]
    [InlineData("bench", "step")]
    [InlineData("gradcheck")]
    [InlineData("kernels", "list")]
    [InlineData("kernels", "profile")]
    [InlineData("bench", "compare")]
    [InlineData("lab", "list")]
    [InlineData("lab", "check")]
    [InlineData("lab", "bench")]
    [InlineData("lab", "compare")]
    [InlineData("lab", "tune")]
    [InlineData("lab", "watch")]
    [InlineData("lab", "project")]
    [InlineData("lab", "resources")]
    [InlineData("lab", "report")]
    public void Help_shows_examples_that_parse(params string[] command)
    {
        string help = ProgramRun.Of([.. command, "--help"]).Out;
        string[] examples = [.. help[help.IndexOf("Examples:", StringComparison.Ordinal)..].Split('\n')
            .Select(line => line.Trim()).Where(line => line.StartsWith("csunet ", StringComparison.Ordinal))];
        Assert.NotEmpty(examples);
        RootCommand root = CommandLine.CreateRoot(new Terminal(new StringWriter(), new StringWriter(), isInteractive: false));
        Assert.All(examples, example => Assert.Empty(root.Parse(example["csunet ".Length..]).Errors));
    }

    [Fact]
    public void Every_option_is_described()
    {
        RootCommand root = CommandLine.CreateRoot(new Terminal(new StringWriter(), new StringWriter(), isInteractive: false));
        Assert.All(root.Subcommands.Concat(root.Subcommands.SelectMany(command => command.Subcommands)), command =>
        {
            Assert.False(string.IsNullOrEmpty(command.Description), command.Name);
            Assert.All(command.Options, option => Assert.False(string.IsNullOrEmpty(option.Description), $"{command.Name} {option.Name}"));
        });
    }

    [Fact]
    public void Train_has_an_option_for_every_key_of_the_configuration()
    {
        string help = ProgramRun.Of("train", "--help").Out;
        Assert.All(TrainingOptions.Keys, key => Assert.Contains($"--{key.Replace('_', '-')}", help));
    }

    [Fact]
    public void No_arguments_show_the_help() => Assert.Equal(ProgramRun.Of("--help").Out, ProgramRun.Of().Out);

    [Fact]
    public void Version_is_printed()
    {
        ProgramRun run = ProgramRun.Of("--version");
        Assert.Equal(ExitCode.Success, run.Code);
        Assert.Matches(@"^\d+\.\d+\.\d+", run.Out);
    }
}
