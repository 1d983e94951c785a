namespace CsUnet.Cli;

/// <summary>
/// A call that cannot be carried out as written: exit code 2. The message is one line that names the option and the remedy.
/// </summary>
internal sealed class UsageException(string message, Exception? inner = null) : Exception(message, inner);
