using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace CsUnet.Tests.House;

/// <summary>The house-style rules that a test can read from the sources.</summary>
public sealed partial class SourceRulesTests
{
    private const int LongestLine = 140, LongestFile = 400;

    /// <summary>Files that may have longer lines, and why.</summary>
    private static readonly Dictionary<string, string> s_longLines = new(StringComparer.Ordinal)
    {
        ["src/Cli/Commands/Lab/LabReportCommand.cs"] = "the text of an HTML page",
        ["src/Cli/Report/GradCheckPage.cs"] = "the text of an HTML page",
        ["src/Cli/Report/HtmlReport.cs"] = "the text of an HTML page",
        ["src/Cli/Report/LineChart.cs"] = "the style sheet of a chart",
        ["tests/Verification/ShapeSearchTests.cs"] = "compares its own lines with code that the program prints",
        ["tests/Cuda/FakeDriverSource.cs"] = "C source as text",
        ["tests/Training/OwnNetworkTests.cs"] = "the header of a weight file as text",
    };

    /// <summary>Files that may be longer, and why.</summary>
    private static readonly Dictionary<string, string> s_longFiles = new(StringComparer.Ordinal)
    {
        ["kernels/common.cuh"] = "the one header of all kernels: NVRTC includes no other",
        ["kernels/conv2d_tensor_core.cu"] = "forward and both backward passes share tiles and loaders",
        ["kernels/window_attention_tensor_core.cu"] = "forward and backward share tiles and loaders",
    };

    [Fact]
    public void No_line_is_longer_than_140_columns()
    {
        var found = new List<string>();
        foreach ((string name, string[] lines) in Files("*.cs", "src", "tests").Concat(Files("*.md", "")))
        {
            bool isMarkdown = name.EndsWith(".md", StringComparison.Ordinal), isCode = false;
            for (int i = 0; i < lines.Length; i++)
            {
                // Rows of tables and quoted program output cannot be broken.
                isCode ^= isMarkdown && lines[i].TrimStart().StartsWith("```", StringComparison.Ordinal);
                bool isTable = isMarkdown && lines[i].StartsWith('|');
                if (lines[i].Length > LongestLine && !isCode && !isTable && !s_longLines.ContainsKey(name))
                    found.Add($"{name}:{i + 1}: {lines[i].Length} columns");
            }
        }
        Assert.True(found.Count == 0, string.Join('\n', found));
    }

    [Fact]
    public void No_file_is_longer_than_400_lines()
    {
        List<string> found = [.. Files("*.cs", "src", "tests").Concat(Files("*.cu*", "kernels")).Concat(Files("*.cpp", "emulator", "tests"))
            .Where(file => file.Lines.Length > LongestFile && !s_longFiles.ContainsKey(file.Name))
                .Select(file => $"{file.Name}: {file.Lines.Length} lines")];
        Assert.True(found.Count == 0, string.Join('\n', found));
    }

    [Fact]
    public void A_test_is_named_by_a_sentence_with_underscores()
    {
        int tests = 0;
        var found = new List<string>();
        foreach ((string name, string[] lines) in Files("*.cs", "tests"))
            foreach (Match match in TestMethod().Matches(string.Join('\n', lines)))
            {
                tests++;
                if (!Sentence().IsMatch(match.Groups["name"].Value))
                    found.Add($"{name}: {match.Groups["name"].Value}");
            }
        Assert.True(tests > 400, $"{tests} tests were found");
        Assert.True(found.Count == 0, string.Join('\n', found));
    }

    [Fact]
    public void A_type_stands_in_the_file_of_its_name()
    {
        var found = new List<string>();
        foreach ((string name, string[] lines) in Files("*.cs", "src"))
        {
            // Parts of a partial type: Type.Part.cs.
            string expected = Path.GetFileName(name).Split('.')[0];
            string[] types =
                [.. TypeDeclaration().Matches(string.Join('\n', lines)).Select(match => match.Groups["name"].Value).Distinct()];
            if (!types.SequenceEqual([expected]) && name != "src/Cli/Program.cs")
                found.Add($"{name} declares {(types.Length == 0 ? "no type" : string.Join(", ", types))}, expected {expected}");
        }
        Assert.True(found.Count == 0, string.Join('\n', found));
    }

    [Fact]
    public void A_project_of_src_references_projects_of_src_only()
    {
        string root = TestFiles.RequireRoot(), source = Path.Combine(root, "src") + Path.DirectorySeparatorChar;
        int references = 0;
        foreach (string project in Projects("src"))
            foreach (string reference in Includes(project, "ProjectReference"))
            {
                references++;
                string target = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(project)!, reference));
                Assert.True(target.StartsWith(source, StringComparison.Ordinal), $"{project} references {reference}, which is not in src");
            }
        Assert.True(references > 10, $"{references} references were found");
    }

    [Fact]
    public void The_program_contains_no_test_library()
    {
        string root = TestFiles.RequireRoot();
        foreach (string project in Projects("src"))
            Assert.All(Includes(project, "PackageReference"), package => Assert.DoesNotMatch(TestLibrary(), package));
        string locked = File.ReadAllText(Path.Combine(root, "src", "Cli", "packages.lock.json"));
        Assert.Contains("NetVips", locked);
        Assert.DoesNotMatch(TestLibrary(), locked);
        Assert.Matches(TestLibrary(), File.ReadAllText(Path.Combine(root, "tests", "packages.lock.json")));
    }

    [Theory]
    [InlineData("A_name", true)]
    [InlineData("Float32_is_close", true)]
    [InlineData("TapeFrees_memory_at_20", true)]
    [InlineData("Blas", false)]
    [InlineData("aName_of", false)]
    [InlineData("A__name", false)]
    [InlineData("A_name_", false)]
    public void A_sentence_is_recognised(string name, bool expected) => Assert.Equal(expected, Sentence().IsMatch(name));

    [Theory]
    [InlineData("public sealed record Foo(int A);", "Foo")]
    [InlineData("internal static unsafe partial class Bar<T> where T : unmanaged", "Bar")]
    [InlineData("public readonly record struct Key(ulong Seed);", "Key")]
    [InlineData("public delegate DifferentiableCase NetworkFactory(DType type);", "NetworkFactory")]
    [InlineData("public abstract record Operator", "Operator")]
    [InlineData("    private sealed class Inner", null)]
    [InlineData("// a class of kernels", null)]
    public void A_declaration_is_recognised(string line, string? name)
    {
        Match match = TypeDeclaration().Match(line);
        Assert.Equal(name, match.Success ? match.Groups["name"].Value : null);
    }

    private static IEnumerable<string> Projects(string folder) =>
        Directory.EnumerateFiles(Path.Combine(TestFiles.RequireRoot(), folder), "*.csproj", SearchOption.AllDirectories);

    private static IEnumerable<string> Includes(string project, string item) =>
        XDocument.Load(project).Descendants(item).Select(element => element.Attribute("Include")!.Value);

    /// <summary>The files in some folders of the checkout that no build generates, with their relative names.</summary>
    private static IEnumerable<(string Name, string[] Lines)> Files(string pattern, params string[] folders)
    {
        string root = TestFiles.RequireRoot();
        List<(string, string[])> files =
        [
            .. folders.SelectMany(folder => Directory.EnumerateFiles(Path.Combine(root, folder), pattern, SearchOption.AllDirectories))
                .Select(file => (Name: Path.GetRelativePath(root, file).Replace('\\', '/'), File: file))
                .Where(file => !Built().IsMatch(file.Name)).OrderBy(file => file.Name, StringComparer.Ordinal)
                .Select(file => (file.Name, File.ReadAllLines(file.File))),
        ];
        Assert.NotEmpty(files);
        return files;
    }

    [GeneratedRegex(@"(^|/)(bin|obj|runs|out|\.git)/")]
    private static partial Regex Built();

    [GeneratedRegex(@"\[(Fact|Theory)\b[^\n]*\n(\s*(\[|//)[^\n]*\n)*\s*public (static )?(async )?(void|Task) (?<name>\w+)\(")]
    private static partial Regex TestMethod();

    [GeneratedRegex("^[A-Z][A-Za-z0-9]*(_[A-Za-z0-9]+)+$")]
    private static partial Regex Sentence();

    [GeneratedRegex(@"^((public|internal|file|static|sealed|abstract|partial|readonly|ref|unsafe) )*(record struct|record "
        + @"class|class|record|struct|interface|enum|delegate [^(]+?) (?<name>\w+)", RegexOptions.Multiline)]
    private static partial Regex TypeDeclaration();

    [GeneratedRegex(@"xunit|CsCheck|NUnit|MSTest|Microsoft\.(NET\.Test|Testing)", RegexOptions.IgnoreCase)]
    private static partial Regex TestLibrary();
}
