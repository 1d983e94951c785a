namespace CsUnet.Tests.Autograd;

/// <summary>Mistakes that are easily made in a backward pass.</summary>
public enum Mistake
{
    None,
    WrongSign,
    MissingFactor,
    IgnoredOutputGradient,
    DroppedAccumulation,
    OneWrongEntry,
    NotANumber,
    NoGradient,
    SizeOfBlock,
    OtherBits,
}
