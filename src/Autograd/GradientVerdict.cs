namespace CsUnet.Autograd;

/// <summary>The verdict on one check of one argument.</summary>
public enum GradientVerdict
{
    /// <summary>
    /// Both sides agree within the tolerance plus the numeric derivative's own error, which does not exceed the tolerance.
    /// </summary>
    Agrees,

    /// <summary>For too many entries the numeric derivative is less exact than the tolerance, because of a kink or of rounding.</summary>
    Undecided,

    /// <summary>The difference exceeds the tolerance plus the numeric derivative's own error.</summary>
    Differs,
}
