using CsUnet.Tensors;
using Spectre.Console;

namespace CsUnet.Cli;

/// <summary>The output of the program. Commands write only here, so that a test can read the output.</summary>
internal sealed class Terminal
{
    private readonly Lazy<IAnsiConsole> _ansi;

    /// <param name="output">Standard output.</param>
    /// <param name="error">Standard error.</param>
    /// <param name="isInteractive">Whether a person watches: progress bars if so, otherwise plain lines.</param>
    public Terminal(TextWriter output, TextWriter error, bool isInteractive)
    {
        Out = output;
        Error = error;
        IsInteractive = isInteractive;
        _ansi = new(() =>
        {
            IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings
            {
                Out = new AnsiConsoleOutput(output),
                Ansi = isInteractive ? AnsiSupport.Detect : AnsiSupport.No,
                ColorSystem = isInteractive ? ColorSystemSupport.Detect : ColorSystemSupport.NoColors,
                Interactive = isInteractive ? InteractionSupport.Detect : InteractionSupport.No,
            });
            // Without a terminal there is no width at which to wrap lines, so tables must not be squeezed into 80 columns.
            if (!isInteractive)
                console.Profile.Width = 160;
            return console;
        });
    }

    public TextWriter Out { get; }

    public TextWriter Error { get; }

    public bool IsInteractive { get; }

    /// <summary>The console library, writing to <see cref="Out"/>; plain text without colours if the output is not a terminal.</summary>
    public IAnsiConsole Ansi => _ansi.Value;

    public static Terminal OfProcess() => new(
        System.Console.Out, System.Console.Error, !System.Console.IsOutputRedirected
            && Environment.GetEnvironmentVariable("TERM") != "dumb");

    /// <summary>Writes a line to standard output, as <see cref="PlainText.Of"/> gives it.</summary>
    public void WriteLine(string line = "") => Out.WriteLine(PlainText.Of(line));

    /// <summary>Writes a text of several lines to standard output, each as <see cref="PlainText.Of"/> gives it.</summary>
    public void WriteLines(string text) => Out.WriteLine(PlainText.Lines(text));

    /// <summary>Writes a message, which may have several lines, to standard error.</summary>
    public void WriteError(string message) => Error.WriteLine(PlainText.Lines(message));

    /// <summary>Writes a warning to standard error.</summary>
    public void Warn(string message) => WriteError($"warning: {message}");

    /// <summary>A text for a cell of a table of the console library: plain, and without markup.</summary>
    public static string Cell(string text) => Markup.Escape(PlainText.Of(text));
}
