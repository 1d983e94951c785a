using CsUnet.Kernels;

namespace CsUnet.Autograd;

/// <summary>
/// A scope for checks: inside it, <see cref="Variable.Apply"/> on this thread hands operator and inputs to a function, which computes the
/// result. This shows the output of a network with other operators, or with other numbers between them.
/// </summary>
public readonly struct OperatorSubstitution : IDisposable
{
    [ThreadStatic] private static Func<Operator, Variable?[], Variable>? t_apply;
    private readonly Func<Operator, Variable?[], Variable>? _previous;

    private OperatorSubstitution(Func<Operator, Variable?[], Variable>? previous) => _previous = previous;

    /// <summary>Begins the scope. While the function runs, nothing is replaced, so that it can apply operators itself.</summary>
    public static OperatorSubstitution Begin(Func<Operator, Variable?[], Variable> apply)
    {
        var scope = new OperatorSubstitution(t_apply);
        t_apply = apply;
        return scope;
    }

    internal static Variable? Result(Operator op, Variable?[] inputs)
    {
        if (t_apply is not { } apply)
            return null;
        t_apply = null;
        try
        {
            return apply(op, inputs);
        }
        finally
        {
            t_apply = apply;
        }
    }

    /// <summary>Ends the scope.</summary>
    public void Dispose() => t_apply = _previous;
}
