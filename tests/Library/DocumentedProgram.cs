using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using CsUnet.Tests.Support;

namespace CsUnet.Tests.Library;

/// <summary>A program of a page below docs and the output that the page shows for it.</summary>
/// <param name="Source">The text of a fenced block of C#.</param>
/// <param name="Output">The text of the fenced block that follows, in lines.</param>
internal sealed partial record DocumentedProgram(string Source, IReadOnlyList<string> Output)
{
    /// <summary>The top folder of the checkout.</summary>
    public static string Root { get; } = Path.GetFullPath(Path.Combine(TestFiles.Golden, "..", "..", ".."));

    /// <summary>The programs of a page: the blocks of C# that a block of output follows.</summary>
    public static IReadOnlyList<DocumentedProgram> Of(string page) =>
    [
        .. Block().Matches(File.ReadAllText(Path.Combine(Root, "docs", page)))
            .Select(match => new DocumentedProgram(
                match.Groups["source"].Value, match.Groups["output"].Value.TrimEnd('\n').Split('\n'))),
    ];

    /// <summary>Compiles the program against the engine beside the tests, runs it, and compares what it prints with the page.</summary>
    /// <param name="firstLine">A statement to put before the others; null: none.</param>
    public void Check(string? firstLine = null)
    {
        using var folder = new TemporaryFolder();
        string source = firstLine is null ? Source : LastUsing().Replace(Source, match => $"{match.Value}\n{firstLine}\n", 1);
        RequireLike(Output, Run(folder, source));
    }

    /// <summary>Fails unless two texts are the same in words, and their numbers nearly: the last digits depend on the CPU.</summary>
    public static void RequireLike(IReadOnlyList<string> expected, string got)
    {
        string[] lines = got.TrimEnd('\n').Split('\n');
        Assert.True(expected.Count == lines.Length, $"{lines.Length} lines, expected {expected.Count}:\n{got}");
        for (int i = 0; i < lines.Length; i++)
        {
            Assert.Equal(Words(expected[i]), Words(lines[i]));
            foreach ((Match a, Match b) in Number().Matches(expected[i]).Zip(Number().Matches(lines[i])))
                Assert.Equal(
                    double.Parse(a.Value, CultureInfo.InvariantCulture), double.Parse(b.Value, CultureInfo.InvariantCulture), 0.01);
        }
    }

    private static string Words(string line) => Spaces().Replace(Number().Replace(line, "#"), " ");

    private static string Run(TemporaryFolder folder, string source)
    {
        string dotnet = Environment.ProcessPath is { } host && Path.GetFileNameWithoutExtension(host) == "dotnet" ? host : "dotnet";
        string runtime = Path.GetDirectoryName(typeof(object).Assembly.Location)!;
        string? compiler = FindCompiler(runtime);
        Assert.SkipWhen(compiler is null, "the C# compiler of the .NET SDK was not found beside the runtime");
        File.WriteAllText(folder.File("Program.cs"), source);
        // What the SDK's implicit usings bring.
        File.WriteAllLines(folder.File("Usings.cs"),
            ["global using System;", "global using System.Collections.Generic;", "global using System.IO;", "global using System.Linq;"]);
        string[] engine = [.. Directory.GetFiles(AppContext.BaseDirectory, "CsUnet.*.dll").Where(file => !IsNamed(file, "Tests"))];
        string[] system = [.. Directory.GetFiles(runtime, "System*.dll").Where(file => !IsNamed(file, "Native"))];
        File.WriteAllLines(folder.File("options.rsp"),
        [
            "-nologo", "-nullable:enable", "-langversion:latest", "-optimize", "-warnaserror", "-nostdlib", "-out:Program.dll",
            "Program.cs", "Usings.cs", .. engine.Concat(system).Select(file => $"-r:\"{file}\""),
        ]);
        Start(folder, dotnet, ["exec", compiler!, "@options.rsp"]);
        foreach (string file in engine.Append(Path.Combine(AppContext.BaseDirectory, "System.Numerics.Tensors.dll")))
            File.Copy(file, folder.File(Path.GetFileName(file)));
        string program = Path.GetFileNameWithoutExtension(typeof(DocumentedProgram).Assembly.Location);
        File.Copy(Path.Combine(AppContext.BaseDirectory, $"{program}.runtimeconfig.json"), folder.File("Program.runtimeconfig.json"));
        return Start(folder, dotnet, ["exec", "Program.dll"]);
    }

    private static bool IsNamed(string file, string part) => Path.GetFileName(file).Contains(part, StringComparison.Ordinal);

    private static string? FindCompiler(string runtime)
    {
        // .../shared/Microsoft.NETCore.App/VERSION -> .../sdk/VERSION/Roslyn/bincore/csc.dll
        string sdks = Path.Combine(runtime, "..", "..", "..", "sdk");
        return Directory.Exists(sdks)
            ? Directory.GetDirectories(sdks, "10.*").Select(sdk => Path.Combine(sdk, "Roslyn", "bincore", "csc.dll"))
                .LastOrDefault(File.Exists)
            : null;
    }

    /// <summary>Runs a command in a folder. Returns what it wrote.</summary>
    internal static string Start(
        TemporaryFolder folder, string command, IEnumerable<string> arguments, params (string Name, string? Value)[] environment)
    {
        var start = new ProcessStartInfo(command, arguments)
        {
            WorkingDirectory = folder.Path, RedirectStandardOutput = true, RedirectStandardError = true,
        };
        foreach ((string name, string? value) in environment)
            start.Environment[name] = value;
        using Process process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0,
            $"{command} {string.Join(' ', start.ArgumentList)}: exit code {process.ExitCode}\n{output}{errors.Result}");
        return output;
    }

    [GeneratedRegex("""
        ^```csharp\n(?<source>(?:(?!```).*\n)*?)```\n+(?:It prints\n+)?```text\n(?<output>(?:(?!```).*\n)*?)```$
        """, RegexOptions.Multiline)]
    private static partial Regex Block();

    [GeneratedRegex(@"-?\d+(\.\d*)?(e[+-]\d+)?")]
    private static partial Regex Number();

    [GeneratedRegex(" +")]
    private static partial Regex Spaces();

    [GeneratedRegex(@"^using [\w.]+;\n(?!using )", RegexOptions.Multiline)]
    private static partial Regex LastUsing();
}
