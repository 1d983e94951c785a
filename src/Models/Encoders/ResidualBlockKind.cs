namespace CsUnet.Models.Encoders;

/// <summary>The residual block of the CNN encoder.</summary>
public enum ResidualBlockKind
{
    /// <summary>Two 3x3 convolutions: ResNet-18 and 34.</summary>
    Basic,

    /// <summary>1x1, 3x3, 1x1 with four times the width at the end: ResNet-50, 101 and 152.</summary>
    Bottleneck,
}
