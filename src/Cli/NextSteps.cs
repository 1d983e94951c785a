using CsUnet.Tensors;
using CsUnet.Training;

namespace CsUnet.Cli;

/// <summary>Suggests the next commands, ready to copy.</summary>
internal static class NextSteps
{
    /// <summary>The name of the program as the user calls it: the script of the source tree if the user started that.</summary>
    public static string Program => Environment.GetEnvironmentVariable("CSUNET_COMMAND") is { Length: > 0 } command ? command : "csunet";

    public static IReadOnlyList<(string Command, string Purpose)> AfterTraining(RunFolder folder, bool isEvaluated)
    {
        string run = Quote(folder.Path);
        var steps = new List<(string, string)>();
        if (!isEvaluated)
            steps.Add(($"{Program} evaluate --run {run} --split test", "measure it on the test images"));
        steps.Add(($"{Program} predict --run {run} FILE_OR_FOLDER --out predictions", "label your own images"));
        return steps;
    }

    public static void Write(Terminal terminal, IReadOnlyList<(string Command, string Purpose)> steps)
    {
        int width = steps.Max(step => step.Command.Length);
        terminal.WriteLine("next:");
        foreach ((string command, string purpose) in steps)
            terminal.WriteLine($"  {command.PadRight(width)}   # {purpose}");
    }

    /// <summary>
    /// Quotes a path for a shell: adds single quotes if it contains a character that a shell might interpret. Control characters and their
    /// like become escapes in bash's quotes <c>$'...'</c>, so that the command can be shown and copied.
    /// </summary>
    public static string Quote(string path)
    {
        if (path.All(c => char.IsAsciiLetterOrDigit(c) || c is '/' or '.' or '-' or '_' or '+' or ',' or ':' or '\\'))
            return path;
        if (PlainText.Of(path) == path)
            return $"'{path.Replace("'", "'\\''", StringComparison.Ordinal)}'";
        string escaped = path.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("'", "\\'", StringComparison.Ordinal);
        return $"$'{PlainText.Of(escaped)}'";
    }
}
