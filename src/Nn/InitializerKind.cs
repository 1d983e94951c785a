namespace CsUnet.Nn;

/// <summary>The distribution of initial values.</summary>
public enum InitializerKind
{
    /// <summary>Every element the same.</summary>
    Constant,

    /// <summary>Normal with mean 0.</summary>
    Normal,

    /// <summary>Normal with mean 0, cut at two standard deviations.</summary>
    TruncatedNormal,

    /// <summary>Uniform between minus and plus the scale.</summary>
    Uniform,
}
