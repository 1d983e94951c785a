namespace CsUnet.Verification;

/// <summary>The role of an input, which determines its element type if activations are bfloat16.</summary>
public enum InputRole
{
    /// <summary>An activation: it has the precision's element type.</summary>
    Activation,

    /// <summary>A float32 parameter whose values are operands of a matrix product: tf32 and bf16 round them there.</summary>
    MatrixWeight,

    /// <summary>Any other parameter or statistic: float32, used without rounding.</summary>
    Parameter,
}
