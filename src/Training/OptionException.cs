using CsUnet.Data;

namespace CsUnet.Training;

/// <summary>An option of a run whose key is not known, or whose value is not allowed.</summary>
public sealed class OptionException : RunException
{
    /// <summary>An error about an option.</summary>
    /// <param name="option">The option's key.</param>
    /// <param name="found">What is wrong with it, a predicate: <c>is '0'</c>.</param>
    /// <param name="expected">What would be right, a noun phrase; null where the predicate says it all.</param>
    /// <param name="place">The file and line that set it; null where it was set otherwise.</param>
    /// <param name="remedy">What to do; null where nothing but the expectation helps.</param>
    /// <param name="cause">The error that led to it.</param>
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

    /// <summary>An option's value was refused by what reads files.</summary>
    internal static OptionException From(string option, string? place, DataException failure) => new(
        option, $"cannot be read: {failure.Path}: {failure.Problem}", failure.Expected, place == failure.Path ? null : place,
        failure.Remedy, failure);
}
