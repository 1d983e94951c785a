namespace CsUnet.Tests.Autograd;

/// <summary>Common mistakes in a backward pass.</summary>
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
