using System.Text.RegularExpressions;
using CsUnet.Cli;

namespace CsUnet.Tests.Cli;

/// <summary>
/// A library can be used without the program, so its messages and comments do not mention the program's options and commands.
/// </summary>
public sealed partial class LibraryTextTests
{
    // Options of other programs that the engine runs: NVRTC, ptxas and git.
    private static readonly string[] s_others = ["--gpu-architecture", "--std", "--ptxas-options", "--porcelain", "--untracked-files"];

    private static readonly string s_source = Path.GetFullPath(Path.Combine(TestFiles.Golden, "../../../src"));

    public static TheoryData<string> Libraries => [.. Directory.GetDirectories(s_source).Select(folder => Path.GetFileName(folder))
        .Where(name => name != "Cli").Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Libraries))]
    public void Libraries_do_not_know_the_command_line(string library)
    {
        string[] files = [.. Directory.GetFiles(Path.Combine(s_source, library), "*.cs", SearchOption.AllDirectories)
            .Where(file => !Path.GetRelativePath(s_source, file).Split(Path.DirectorySeparatorChar).Any(part => part is "obj" or "bin"))];
        Assert.NotEmpty(files);
        Assert.Empty(files.SelectMany(file =>
            Findings(File.ReadAllLines(file)).Select(found => $"{Path.GetRelativePath(s_source, file)}:{found}")));
    }

    [Theory]
    [InlineData("throw new IOException(\"use --device cpu\");")]
    [InlineData("/// <summary>As <c>--precision</c> names it.</summary>")]
    [InlineData("// what --resume needs")]
    [InlineData("string text = $\"run 'csunet train' first\";")]
    [InlineData("const string Text = \"\"\"\n    leave --run out\n    \"\"\";")]
    public void A_word_of_the_command_line_is_found(string code) => Assert.Single(Findings(code.Split('\n')));

    [Theory]
    [InlineData("while (--left > 0)")]
    [InlineData("Options = [\"--std=c++17\"],")]
    [InlineData("string a = \"x -- y\"; left--;")]
    [InlineData("Name = $\"csunet worker {number}\"")]
    public void Other_text_is_not(string code) => Assert.Empty(Findings(code.Split('\n')));

    private static IEnumerable<string> Findings(string[] lines)
    {
        string[] commands =
            [.. CommandLine.CreateRoot(new Terminal(new StringWriter(), new StringWriter(), isInteractive: false)).Subcommands
            .Select(command => command.Name)];
        bool isRaw = false;
        for (int i = 0; i < lines.Length; i++)
        {
            string line = lines[i];
            // A decrement is code: it is neither in a string nor in a comment.
            bool isText = isRaw || line.Contains('"') || line.Contains("//", StringComparison.Ordinal);
            isRaw ^= Regex.Count(line, "\"\"\"") % 2 == 1;
            IEnumerable<string> found = !isText ? [] : Option().Matches(line).Select(match => match.Value).Except(s_others)
                .Concat(Call().Matches(line).Where(match => commands.Contains(match.Groups[1].Value)).Select(match => match.Value));
            foreach (string word in found)
                yield return $"{i + 1}: {word}";
        }
    }

    [GeneratedRegex(@"(?<![\w-])--[a-z][\w-]*")]
    private static partial Regex Option();

    [GeneratedRegex(@"\bcsunet ([a-z]+)")]
    private static partial Regex Call();
}
