using System.Runtime.InteropServices;

namespace CsUnet.Cli;

/// <summary>
/// Turns the first Ctrl-C (or SIGTERM, which batch systems send) into a request to stop after the current step. The second one ends the
/// process.
/// </summary>
internal sealed class Interrupt : IDisposable
{
    private readonly CancellationTokenSource _source = new();
    private readonly PosixSignalRegistration[] _registrations;

    public Interrupt(Terminal terminal)
    {
        void Handle(PosixSignalContext context)
        {
            // The second signal is not cancelled, so the system ends the process.
            if (_source.IsCancellationRequested)
                return;
            context.Cancel = true;
            terminal.WriteError("stopping after this step; press Ctrl-C again to quit at once");
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
