namespace CsUnet.Nn;

/// <summary>The distribution of initial values.</summary>
public enum InitializerKind
{
    /// <summary>All elements are equal.</summary>
    Constant,

    /// <summary>Normal with mean 0.</summary>
    Normal,

    /// <summary>Normal with mean 0, truncated at two standard deviations.</summary>
    TruncatedNormal,

    /// <summary>Uniform between minus and plus the scale.</summary>
    Uniform,
}
