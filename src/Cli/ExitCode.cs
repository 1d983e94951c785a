namespace CsUnet.Cli;

/// <summary>The exit codes of the program.</summary>
internal static class ExitCode
{
    public const int Success = 0;

    /// <summary>The call was valid, but the work failed: a file, the disk, a loss that is not finite, a failed check.</summary>
    public const int Failure = 1;

    /// <summary>The call was invalid, and no work had begun: an option, a value, or a data set that cannot be used.</summary>
    public const int Usage = 2;

    /// <summary>Stopped by a signal (Ctrl-C, SIGTERM, SIGHUP); 128 + SIGINT by the convention of shells.</summary>
    public const int Interrupted = 130;
}
