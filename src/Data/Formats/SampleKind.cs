namespace CsUnet.Data.Formats;

/// <summary>What the bits of a sample are.</summary>
internal enum SampleKind
{
    /// <summary>A whole number without a sign.</summary>
    Unsigned,

    /// <summary>A whole number in two's complement.</summary>
    Signed,

    /// <summary>A floating-point number (IEEE 754).</summary>
    Real,

    /// <summary>A complex number.</summary>
    Complex,
}
