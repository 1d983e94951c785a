namespace CsUnet.Autograd;

/// <summary>The findings for all arguments.</summary>
/// <param name="Arguments">One entry per argument or group, in their order.</param>
/// <param name="Evaluations">How often the function was evaluated.</param>
public sealed record GradientCheckResult(IReadOnlyList<ArgumentGradientCheck> Arguments, int Evaluations)
{
    /// <summary>Whether every check of every argument passed.</summary>
    public bool Passed => Arguments.All(argument => argument.Verdict == GradientVerdict.Agrees);

    /// <summary>The argument with the most serious finding.</summary>
    public ArgumentGradientCheck Worst =>
        Arguments.OrderByDescending(argument => argument.Verdict).ThenByDescending(argument => argument.Worst.Share).First();

    /// <summary>A description of all failures, one line each; empty if there are none.</summary>
    public string Failures => string.Join('\n', Arguments.Where(argument => argument.Verdict != GradientVerdict.Agrees));
}
