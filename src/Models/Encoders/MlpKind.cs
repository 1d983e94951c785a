namespace CsUnet.Models.Encoders;

/// <summary>The MLP inside a Swin block.</summary>
public enum MlpKind
{
    /// <summary>CS-UNet's residual MLP: fc3(gelu(fc2(gelu(fc1 x)) + x)).</summary>
    ResMlp,

    /// <summary>Swin's MLP: fc2(gelu(fc1 x)).</summary>
    Mlp,
}
