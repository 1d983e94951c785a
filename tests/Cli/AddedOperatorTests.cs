using System.Diagnostics;
using CsUnet.Tests.Cuda;

namespace CsUnet.Tests.Cli;

/// <summary>
/// "Add an operator" of CONTRIBUTING.md: its blocks, applied to a copy of the checkout, are everything that the program needs.
/// </summary>
public sealed class AddedOperatorTests
{
    [Fact]
    public void Three_files_add_an_operator_to_checks_and_lab_on_both_devices()
    {
        Assert.SkipUnless(TestFiles.RunsAll, "Skipped: builds the program once more; CSUNET_TEST_ALL=1 runs it");
        Assert.SkipWhen(EmulatorLibrary.Path is null, EmulatorLibrary.Missing);
        using var copy = new Workspace();
        foreach (string folder in new[] { "src", "kernels", "emulator", "tests/Golden/data" })
            Copy(Path.Combine(Contributing.Root, folder), copy[folder]);
        foreach (string file in Directory.EnumerateFiles(Contributing.Root))
            File.Copy(file, copy[Path.GetFileName(file)]);
        IReadOnlyList<(string File, string Text)> blocks = Contributing.Files();
        Assert.Equal(["src/Kernels/Softplus.cs", "kernels/softplus.cu", "src/Verification/OperatorCases.Maps.cs"],
            blocks.Select(block => block.File));
        foreach ((string file, string text) in blocks)
            copy.Write(file, File.Exists(copy[file]) ? Patched(File.ReadAllText(copy[file]), text) : text);

        ProgramRun build = Run("dotnet", "build", copy["src/Cli/CsUnet.Cli.csproj"],
            "-c", "Release", "-v", "quiet", "--nologo", "-nodeReuse:false");
        Assert.True(build.Code == 0, build.Out + build.Error);
        string program = copy["src/Cli/bin/Release/net10.0/csunet"];
        Assert.Contains("Softplus (2,3,5,7)", Succeeds("gradcheck", "--op", "Softplus"));
        Assert.Contains("Softplus (2,3,5,7)", Succeeds("gradcheck", "--op", "Softplus", "--device", "cuda:emulated"));
        Assert.Contains("shapes: 6272x96", Succeeds("lab", "list", "--op", "softplus"));
        Assert.Matches(@"[1-9]\d* passed, 0 failed", Succeeds("lab", "check", "--op", "softplus", "--device", "cpu"));
        Assert.Matches(@"[1-9]\d* passed, 0 failed", Succeeds("lab", "check", "--op", "softplus", "--device", "cuda:emulated"));
        Assert.Contains("64x96",
            Succeeds("lab", "bench", "--op", "softplus", "--shape", "64x96", "--device", "cpu", "--milliseconds", "20"));
        Assert.Contains("softplus_backward_float32", Succeeds("kernels", "profile", "--op", "Softplus", "--totals"));

        string Succeeds(params string[] args)
        {
            ProgramRun run = Run(program, args);
            Assert.True(run.Code == 0, $"csunet {string.Join(' ', args)}: exit code {run.Code}\n{run.Error}{run.Out}");
            return run.Out;
        }
    }

    /// <summary>Returns a text with the lines that a diff adds, each after the line above it in the diff.</summary>
    private static string Patched(string text, string diff)
    {
        string[] lines = diff.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        string context = lines[0][1..] + "\n", added = string.Concat(lines[1..].Select(line => line[1..] + "\n"));
        Assert.StartsWith(" ", lines[0]);
        Assert.All(lines[1..], line => Assert.StartsWith("+", line));
        int at = text.IndexOf(context, StringComparison.Ordinal);
        Assert.True(at >= 0, $"CONTRIBUTING.md adds lines below one that the file does not hold: {context}");
        return text.Insert(at + context.Length, added);
    }

    private static void Copy(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (string file in Directory.EnumerateFiles(from))
            File.Copy(file, Path.Combine(to, Path.GetFileName(file)));
        foreach (string folder in Directory.EnumerateDirectories(from).Where(folder => Path.GetFileName(folder) is not ("bin" or "obj")))
            Copy(folder, Path.Combine(to, Path.GetFileName(folder)));
    }

    private static ProgramRun Run(string program, params string[] args)
    {
        var start = new ProcessStartInfo(program, args) { RedirectStandardOutput = true, RedirectStandardError = true };
        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        string error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        return new ProgramRun(process.ExitCode, output.Result, error);
    }
}
