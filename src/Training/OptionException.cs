using CsUnet.Data;

namespace CsUnet.Training;

/// <summary>An error about an option of a run: an unknown key or a value that is not allowed.</summary>
public sealed class OptionException : RunException
{
    /// <summary>Creates an error about an option.</summary>
    /// <param name="option">The option's key.</param>
    /// <param name="found">What is wrong with it, as a predicate: <c>is '0'</c>.</param>
    /// <param name="expected">What would be right, as a noun phrase; null if the predicate is enough.</param>
    /// <param name="place">The file and line that set the option; null if it was set elsewhere.</param>
    /// <param name="remedy">What to do; null if the expectation is enough.</param>
    /// <param name="cause">The error that caused this one.</param>
    public OptionException(
        string option, string found, string? expected, string? place = null, string? remedy = null, Exception? cause = null)
        : base($"{option} {found}", expected, place, remedy, cause)
    {
        Option = option;
        Found = found;
    }

    /// <summary>The option's key.</summary>
    public string Option { get; }

    /// <summary>The problem without its subject: <c>is '0'</c>.</summary>
    public string Found { get; }

    /// <summary>Wraps the error of a file reader that refused an option's value.</summary>
    internal static OptionException From(string option, string? place, DataException failure) => new(
        option, $"cannot be read: {failure.Path}: {failure.Problem}", failure.Expected, place == failure.Path ? null : place,
        failure.Remedy, failure);
}
