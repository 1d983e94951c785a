namespace CsUnet.Verification;

/// <summary>The distribution of a case's input.</summary>
public enum Fill
{
    /// <summary>Standard normal.</summary>
    Normal,

    /// <summary>Normal of variance 1 / fan-in (elements per entry of the first dimension): products are as large as inputs.</summary>
    FanIn,

    /// <summary>Uniform from 0.5 to 1.5: variances, scales.</summary>
    Positive,

    /// <summary>Normal, moved away from 0 by 0.1, where rectifiers are not differentiable.</summary>
    AwayFromZero,

    /// <summary>
    /// Normal of deviation 4, moved 1/8 or more away from every integer, where piecewise functions are not differentiable.
    /// </summary>
    BetweenIntegers,

    /// <summary>Distinct multiples of 1/16 in random order: no ties, so a difference step does not change a maximum.</summary>
    Distinct,

    /// <summary>Class labels as uint8, every seventh the ignored one if there is one.</summary>
    ByteLabels,

    /// <summary>The same as int64.</summary>
    LongLabels,
}
