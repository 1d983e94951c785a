using System.Net.Sockets;
using CsUnet.Tensors;
using Spectre.Console;

namespace CsUnet.Cli;

/// <summary>The output of the program. Commands write only here, so that a test can read the output.</summary>
internal sealed class Terminal
{
    private readonly Lazy<IAnsiConsole> _ansi;
    private readonly GuardedWriter _out, _error;

    /// <param name="output">Standard output.</param>
    /// <param name="error">Standard error.</param>
    /// <param name="isInteractive">Whether a person watches: progress bars if so, otherwise plain lines.</param>
    public Terminal(TextWriter output, TextWriter error, bool isInteractive)
    {
        // Each reports its failure on the other: when both fail, nobody can be told.
        _out = new GuardedWriter(output, failure => Warn(Error!, "output", failure));
        _error = new GuardedWriter(error, failure => Warn(Out!, "error", failure));
        IsInteractive = isInteractive;
        _ansi = new(() =>
        {
            IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings
            {
                Out = new AnsiConsoleOutput(_out),
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

    /// <summary>Standard output. Writing to it never fails; see <see cref="Loss"/>.</summary>
    public TextWriter Out => _out;

    /// <summary>Standard error. Writing to it never fails; see <see cref="Loss"/>.</summary>
    public TextWriter Error => _error;

    /// <summary>
    /// Whether the work goes on for long after the reader of a pipe has gone, so that its user is told. Otherwise, as with <c>head</c>, the
    /// reader has seen what it wanted.
    /// </summary>
    public bool OutlivesReader { get; set; }

    /// <summary>Whether something that was printed on standard output is lost.</summary>
    public bool HasLostOutput => _out.Failure is { } failure && !IsExpected(failure);

    /// <summary>What could not be printed and why; null if everything was printed.</summary>
    public string? Loss => _out.Failure is { } output ? LossText("output", output)
        : _error.Failure is { } error ? LossText("error", error)
        : null;

    public bool IsInteractive { get; }

    /// <summary>The console library, writing to <see cref="Out"/>; plain text without colours if the output is not a terminal.</summary>
    public IAnsiConsole Ansi => _ansi.Value;

    /// <summary>The terminal of this process. Fills descriptors that the caller closed, so call it before any file is opened.</summary>
    public static Terminal OfProcess()
    {
        bool isInteractive = !StandardStream.IsClosed(1) && !System.Console.IsOutputRedirected
            && Environment.GetEnvironmentVariable("TERM") != "dumb";
        TextWriter output = StandardStream.Open(1), error = StandardStream.Open(2);
        StandardStream.FillClosed();
        return new Terminal(output, error, isInteractive);
    }

    private static string LossText(string stream, Exception failure) =>
        $"standard {stream} cannot be written ({failure.Message.TrimEnd('.')}); what is printed there is lost";

    private void Warn(TextWriter other, string stream, Exception failure)
    {
        if (!IsExpected(failure))
            other.WriteLine($"warning: {LossText(stream, failure)}");
    }

    private bool IsExpected(Exception failure)
    {
        const int BrokenPipe = 32;
        // .NET writes to a pipe as to a socket.
        return !OutlivesReader
            && failure is IOException { HResult: BrokenPipe } or { InnerException: SocketException { NativeErrorCode: BrokenPipe } };
    }

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
