using System.Diagnostics;
using CsUnet.Kernels.Cuda;
using CsUnet.Tests.Cuda;

namespace CsUnet.Tests.Cli;

/// <summary>A copy of the program's kernels that a test may change.</summary>
internal sealed class KernelFolder : IDisposable
{
    private readonly Workspace _workspace = new();

    public KernelFolder()
    {
        foreach (string file in KernelLibrary.Files)
        {
            var source = KernelLibrary.Source(file);
            _workspace.Write($"kernels/{source.Name}", source.Text);
            foreach ((string name, string text) in source.Headers)
                _workspace.Write($"kernels/{name}", text);
        }
    }

    public string this[string name] => _workspace[name];

    /// <summary>Replaces the first occurrence of a text in a file and returns its line number.</summary>
    public int Replace(string file, string old, string replacement)
    {
        string text = File.ReadAllText(_workspace[$"kernels/{file}"]);
        int at = text.IndexOf(old, StringComparison.Ordinal);
        Assert.True(at >= 0, $"{file} does not hold '{old}'");
        _workspace.Write($"kernels/{file}", string.Concat(text.AsSpan(0, at), replacement, text.AsSpan(at + old.Length)));
        return 1 + text.AsSpan(0, at).Count('\n');
    }

    public ProgramRun Profile(params string[] options)
    {
        Assert.SkipWhen(EmulatorLibrary.Path is null, EmulatorLibrary.Missing);
        return Run(["kernels", "profile", .. options]);
    }

    public ProgramRun Run(string[] args, params (string Name, string Value)[] variables)
    {
        var start = new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, "csunet"), args)
        {
            RedirectStandardOutput = true, RedirectStandardError = true,
        };
        start.Environment["CSUNET_KERNELS"] = _workspace["kernels"];
        foreach ((string name, string value) in variables)
            start.Environment[name] = value;
        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        string error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        return new ProgramRun(process.ExitCode, output.Result, error);
    }

    public void Dispose() => _workspace.Dispose();
}
