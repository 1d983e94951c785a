namespace CsUnet.Cli;

/// <summary>What the program returns to the shell.</summary>
internal static class ExitCode
{
    public const int Success = 0;

    /// <summary>The call was right, but the work failed: a file, the disk, a loss that is not finite, a check that did not pass.</summary>
    public const int Failure = 1;

    /// <summary>The call was wrong: an option, a value, a data set that cannot be used as it is.</summary>
    public const int Usage = 2;

    /// <summary>Stopped by Ctrl-C, as shells count it: 128 + SIGINT.</summary>
    public const int Interrupted = 130;
}
