using System.Text;

namespace CsUnet.Cli;

/// <summary>
/// A writer whose failures never end the work: what cannot be written is lost, the first failure is kept and reported once. A full disk, a
/// reader that is gone or a terminal that hung up must not end a training.
/// </summary>
/// <param name="inner">The writer that may fail.</param>
/// <param name="onFirstFailure">Called once, at the first failure.</param>
internal sealed class GuardedWriter(TextWriter inner, Action<Exception>? onFirstFailure = null) : TextWriter
{
    // Progress displays write from a thread of their own.
    private readonly Lock _gate = new();

    /// <summary>The first failure; null if everything was written.</summary>
    public Exception? Failure { get; private set; }

    public override Encoding Encoding => inner.Encoding;

    public override void Write(char value) => Try(() => inner.Write(value));

    public override void Write(string? value) => Try(() => inner.Write(value));

    public override void Write(char[] buffer, int index, int count) => Try(() => inner.Write(buffer, index, count));

    public override void Write(ReadOnlySpan<char> buffer) => Write(buffer.ToString());

    public override void WriteLine() => Write(Environment.NewLine);

    public override void WriteLine(string? value) => Write(value + Environment.NewLine);

    public override void Flush() => Try(inner.Flush);

    private void Try(Action write)
    {
        bool isFirst = false;
        lock (_gate)
        {
            try
            {
                write();
            }
            catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or ObjectDisposedException)
            {
                isFirst = Failure is null;
                Failure ??= failure;
            }
        }
        if (isFirst)
            onFirstFailure?.Invoke(Failure!);
    }
}
