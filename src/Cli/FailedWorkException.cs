using CsUnet.Data;

namespace CsUnet.Cli;

/// <summary>
/// Work that had begun failed: exit code 1, whatever the kind of the error. Checks before the work throw <see cref="UsageException"/> or
/// <see cref="DataException"/>, exit code 2.
/// </summary>
/// <param name="first">The error that ended the work; it is the one that is reported.</param>
/// <param name="also">What failed afterwards because of it; reported as an addition. Null: nothing.</param>
internal sealed class FailedWorkException(Exception first, Exception? also = null) : Exception(first.Message, first)
{
    /// <summary>The error that ended the work.</summary>
    public Exception First { get; } = first;

    /// <summary>What failed afterwards.</summary>
    public Exception? Also { get; } = also;

    /// <summary>Does work that the call asked for, after every check of the call.</summary>
    /// <exception cref="FailedWorkException">A file could not be read or written any more.</exception>
    public static T Guard<T>(Func<T> work)
    {
        try
        {
            return work();
        }
        catch (DataException failure)
        {
            throw new FailedWorkException(failure);
        }
    }
}
