namespace CsUnet.Autograd;

/// <summary>A scope for inference: inside it, <see cref="Variable.Apply"/> records nothing on this thread.</summary>
public readonly struct NoGrad : IDisposable
{
    [ThreadStatic] private static int t_depth;

    /// <summary>Whether recording is off on this thread.</summary>
    public static bool IsActive => t_depth > 0;

    /// <summary>Turns recording off until the result is disposed.</summary>
    public static NoGrad Begin()
    {
        t_depth++;
        return default;
    }

    /// <summary>Ends the scope.</summary>
    public void Dispose() => t_depth--;
}
