using System.Runtime.InteropServices;

namespace CsUnet.Cli;

/// <summary>
/// Makes the first Ctrl-C (or SIGTERM, as batch systems send it) a request to stop after the current step, and the second one the end of
/// the process.
/// </summary>
internal sealed class Interrupt : IDisposable
{
    private readonly CancellationTokenSource _source = new();
    private readonly PosixSignalRegistration[] _registrations;

    public Interrupt(Terminal terminal)
    {
        void Handle(PosixSignalContext context)
        {
            // Not cancelling the second signal leaves it to the system, which ends the process.
            if (_source.IsCancellationRequested)
                return;
            context.Cancel = true;
            terminal.Error.WriteLine("stopping after this step; press Ctrl-C again to quit at once");
            _source.Cancel();
        }
        _registrations = [
            PosixSignalRegistration.Create(PosixSignal.SIGINT, Handle), PosixSignalRegistration.Create(PosixSignal.SIGTERM, Handle)];
    }

    public CancellationToken Token => _source.Token;

    public void Dispose()
    {
        foreach (PosixSignalRegistration registration in _registrations)
            registration.Dispose();
        _source.Dispose();
    }
}
