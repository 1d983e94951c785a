namespace CsUnet.Verification;

/// <summary>How the elements of a case's input are drawn.</summary>
public enum Fill
{
    /// <summary>Standard normal.</summary>
    Normal,

    /// <summary>
    /// Normal of variance 1 / (elements for each of the first dimension), the fan-in: weights whose products are as large as their inputs.
    /// </summary>
    FanIn,

    /// <summary>Uniform from 0.5 to 1.5: variances, scales.</summary>
    Positive,

    /// <summary>Normal, pushed away from 0 by 0.1: off the kink of rectifiers.</summary>
    AwayFromZero,

    /// <summary>Distinct multiples of 1/16 in random order: no ties, and a difference step changes no maximum.</summary>
    Distinct,

    /// <summary>Class labels as uint8, every seventh the ignored one if there is one.</summary>
    ByteLabels,

    /// <summary>The same as int64.</summary>
    LongLabels,
}
