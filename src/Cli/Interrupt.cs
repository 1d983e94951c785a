using System.Globalization;
using System.Runtime.InteropServices;
using CsUnet.Cuda;

namespace CsUnet.Cli;

/// <summary>
/// Turns the first SIGINT (Ctrl-C), SIGTERM (batch systems send it) or SIGHUP (a terminal that closes sends it) into a request to stop
/// after the current step. The second one ends the process at once, and leaves no unfinished file behind.
/// </summary>
internal sealed class Interrupt : IDisposable
{
    private const int SighupBit = 1;

    private readonly CancellationTokenSource _source = new();
    private readonly List<PosixSignalRegistration> _registrations = [];
    private int _signals;

    public Interrupt(Terminal terminal)
    {
        void Handle(PosixSignalContext context)
        {
            // The second signal is not cancelled, so the system ends the process.
            if (Interlocked.Increment(ref _signals) > 1)
            {
                AtomicFile.Abandon();
                return;
            }
            context.Cancel = true;
            _source.Cancel();
            // On a thread of its own: writing may block for ever, on a pipe that nobody reads or a terminal that is stopped, and the next
            // signal must still get through.
            var writer = new Thread(() => terminal.WriteError("stopping after this step; press Ctrl-C again to quit at once"))
            {
                IsBackground = true,
            };
            writer.Start();
            writer.Join(TimeSpan.FromSeconds(0.5));
        }
        foreach (PosixSignal signal in (PosixSignal[])[PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP])
        {
            // nohup makes a process ignore SIGHUP; it stays ignored.
            if (signal != PosixSignal.SIGHUP || !IsHangUpIgnored())
                _registrations.Add(PosixSignalRegistration.Create(signal, Handle));
        }
    }

    public CancellationToken Token => _source.Token;

    public void Dispose()
    {
        foreach (PosixSignalRegistration registration in _registrations)
            registration.Dispose();
        // The source stays: a signal that is being handled may still cancel it. It holds nothing that must be freed.
    }

    private static bool IsHangUpIgnored()
    {
        const string Status = "/proc/self/status", Ignored = "SigIgn:";
        if (!File.Exists(Status)
            || File.ReadLines(Status).FirstOrDefault(line => line.StartsWith(Ignored, StringComparison.Ordinal)) is not { } line)
            return false;
        return (ulong.Parse(line.AsSpan(Ignored.Length).Trim(), NumberStyles.HexNumber, CultureInfo.InvariantCulture) & SighupBit) != 0;
    }
}
