using System.Diagnostics;
using System.Text.RegularExpressions;
using CsUnet.Tests.Support;

namespace CsUnet.Tests.House;

/// <summary>The build must not depend on the location of the checkout.</summary>
public sealed partial class BuildTests
{
    // Tracked files, and new ones that are not ignored.
    private static readonly string[] s_listFiles = ["ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate", "--"];

    [Fact]
    public void No_build_file_asks_where_the_checkout_is()
    {
        string root = TestFiles.RequireRoot();
        string[] files = [.. new[] { "*.props", "*.targets", "*.csproj" }.SelectMany(pattern =>
            Directory.EnumerateFiles(root, pattern, SearchOption.AllDirectories))
            .Where(file => !Built().IsMatch(file))];
        Assert.True(files.Length > 10, $"{files.Length} build files were found");
        Assert.All(files, file => Assert.DoesNotMatch(AbsolutePath(), File.ReadAllText(file)));
        Assert.Matches(AbsolutePath(), "Condition=\"$(MSBuildProjectDirectory.Contains('src'))\"");
    }

    [Fact]
    public void A_folder_above_the_checkout_that_is_called_src_changes_no_rule()
    {
        using var folder = new TemporaryFolder();
        string copy = Copy(folder, "*.props", "*.csproj");
        Assert.Equal("true", Property("src/Cuda/CsUnet.Cuda.csproj", "GenerateDocumentationFile"));
        foreach (string project in new[] { "tests/CsUnet.Tests.csproj", "tests/Support/CsUnet.Tests.Support.csproj",
            "tests/Gpu/CsUnet.Gpu.Tests.csproj" })
            Assert.NotEqual("true", Property(project, "GenerateDocumentationFile"));

        string Property(string project, string name) => Dotnet(copy, "msbuild", project, $"-getProperty:{name}").Trim();
    }

    [Fact]
    public void A_checkout_below_a_folder_that_is_called_src_builds_its_tests()
    {
        Assert.SkipUnless(TestFiles.RunsAll, "Skipped: takes minutes; './test --all' runs it");
        using var folder = new TemporaryFolder();
        string copy = Copy(folder, "*");
        Dotnet(copy, "build", "tests/CsUnet.Tests.csproj", "-c", "Release", "-v", "quiet", "--nologo", "-nodeReuse:false",
            "-p:UseSharedCompilation=false");
        foreach (string built in new[] { "src/Cuda/bin/Release/net10.0/CsUnet.Cuda.dll",
            "tests/bin/Release/net10.0/CsUnet.Tests.dll" })
            Assert.True(File.Exists(Path.Combine(copy, built)), built);
    }

    [Fact]
    public void The_script_builds_again_after_an_edit_of_anything_that_the_program_contains()
    {
        string root = TestFiles.RequireRoot(), script = File.ReadAllText(Path.Combine(root, "csunet"));
        Assert.Contains("\"$root/src\"", script);
        string[] folders = [.. Directory.EnumerateFiles(Path.Combine(root, "src"), "*.csproj", SearchOption.AllDirectories)
            .SelectMany(project => OutsideFile().Matches(File.ReadAllText(project))).Select(match => match.Groups["folder"].Value)
                .Distinct()];
        Assert.Contains("kernels", folders);
        Assert.All(folders, folder => Assert.Matches($@"\$root""?/{Regex.Escape(folder)}[/""]", script));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void The_script_says_in_one_line_that_it_cannot_build(bool isBuilt)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Skipped: the script is for bash");
        using var folder = new TemporaryFolder();
        File.Copy(Path.Combine(TestFiles.RequireRoot(), "csunet"), folder.File("csunet"));
        // Where it would write its lock there is a file: also root cannot write there.
        File.WriteAllText(folder.File("src/Cli/obj"), "");
        if (isBuilt)
        {
            File.WriteAllText(folder.File("src/Cli/bin/Release/net10.0/csunet"), "#!/bin/true\n");
#pragma warning disable CA1416 // not on Windows
            File.SetUnixFileMode(folder.File("src/Cli/bin/Release/net10.0/csunet"), (UnixFileMode)Convert.ToInt32("755", 8));
#pragma warning restore CA1416
        }
        using Process process = Process.Start(new ProcessStartInfo("bash", [folder.File("csunet"), "--help"])
        {
            RedirectStandardOutput = true, RedirectStandardError = true,
        })!;
        string error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        Assert.Equal(1, process.ExitCode);
        string line = Assert.Single(error.TrimEnd('\n').Split('\n'));
        Assert.StartsWith("error: ", line);
        Assert.Contains($"{folder.File("src/Cli/obj")}); run ./csunet once as the owner of {folder.Path}", line);
        Assert.Contains(isBuilt ? "sources are newer than the program" : "the program cannot be built", line);
    }

    /// <summary>Copies the files of the checkout to <c>src/x</c> in a folder.</summary>
    private static string Copy(TemporaryFolder folder, params string[] patterns)
    {
        string root = TestFiles.RequireRoot(), copy = Path.Combine(folder.Path, "src", "x");
        Assert.SkipUnless(Path.Exists(Path.Combine(root, ".git")), "Skipped: the sources are no git checkout");
        foreach (string name in Start(root, "git", [.. s_listFiles, .. patterns])
            .Split('\0', StringSplitOptions.RemoveEmptyEntries).Where(name => File.Exists(Path.Combine(root, name))))
        {
            string target = Path.Combine(copy, name);
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(Path.Combine(root, name), target);
        }
        return copy;
    }

    private static string Dotnet(string folder, params string[] arguments) => Start(folder, "dotnet", arguments);

    private static string Start(string folder, string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { WorkingDirectory = folder, RedirectStandardOutput = true,
            RedirectStandardError = true };
        // Settings of the build of these tests must not reach another build.
        foreach (string name in start.Environment.Keys.Where(name => name.StartsWith("MSBUILD", StringComparison.OrdinalIgnoreCase))
            .ToList())
            start.Environment.Remove(name);
        using Process process = Process.Start(start)!;
        Task<string> error = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0,
            $"{program} {string.Join(' ', arguments)} ended with code {process.ExitCode}:\n{output}{error.Result}");
        return output;
    }

    [GeneratedRegex(@"(?<=Include=""|;)\.\./\.\./(?<folder>[\w./-]*)/[^/;""]*[;""]")]
    private static partial Regex OutsideFile();

    [GeneratedRegex(@"[\\/](bin|obj)[\\/]")]
    private static partial Regex Built();

    // Properties that contain absolute paths may be joined with names, but not searched.
    [GeneratedRegex(
        @"\$\((MSBuildProjectDirectory|MSBuildProjectFullPath|MSBuildThisFileDirectory|MSBuildThisFileFullPath|MSBuildStartupDirectory)\.")]
    private static partial Regex AbsolutePath();
}
