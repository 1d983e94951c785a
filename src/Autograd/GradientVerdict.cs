namespace CsUnet.Autograd;

/// <summary>The verdict on one check of one argument.</summary>
public enum GradientVerdict
{
    /// <summary>Both sides agree within the tolerance and the numeric side's own error, which is no larger than the tolerance.</summary>
    Agrees,

    /// <summary>Too many entries whose numeric derivative is less exact than the tolerance: a kink, or too much rounding.</summary>
    Undecided,

    /// <summary>They differ by more than the tolerance and the numeric side's own error together.</summary>
    Differs,
}
