using CsUnet.Cli;

namespace CsUnet.Tests.Cli;

/// <summary>The exit code and the output of a call of the program.</summary>
/// <param name="Code">Exit code.</param>
/// <param name="Out">Standard output.</param>
/// <param name="Error">Standard error.</param>
internal sealed record ProgramRun(int Code, string Out, string Error)
{
    /// <summary>Runs the program in this process, as if its output went to a pipe.</summary>
    public static ProgramRun Of(params string[] args)
    {
        var output = new StringWriter();
        var error = new StringWriter();
        int code = CommandLine.Run(args, new Terminal(output, error, isInteractive: false));
        return new ProgramRun(code, output.ToString(), error.ToString());
    }

    /// <summary>
    /// Runs the program and checks that it refuses the call: exit code 2, nothing on standard output, and one line that contains every
    /// part.
    /// </summary>
    public static void Refuses(string[] args, params string[] parts)
    {
        ProgramRun run = Of(args);
        Assert.True(run.Code == ExitCode.Usage, $"exit code {run.Code}, expected 2: {run.Error}{run.Out}");
        Assert.StartsWith("error: ", run.Error);
        Assert.Single(run.Error.TrimEnd('\n').Split('\n'));
        foreach (string part in parts)
            Assert.Contains(part, run.Error);
        Assert.Empty(run.Out);
    }
}
