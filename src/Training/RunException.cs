namespace CsUnet.Training;

/// <summary>A run that cannot start or go on: the message names the file, step or option, what was expected, and the remedy.</summary>
public sealed class RunException : Exception
{
    /// <summary>An error with its message.</summary>
    public RunException(string message) : base(message)
    {
    }

    /// <summary>An error with its message and cause.</summary>
    public RunException(string message, Exception cause) : base(message, cause)
    {
    }
}
