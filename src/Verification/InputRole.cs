using CsUnet.Autograd;

namespace CsUnet.Verification;

/// <summary>What an input is to its operator, which decides its element type beside bfloat16 activations.</summary>
public enum InputRole
{
    /// <summary>An activation: of the precision's element type.</summary>
    Activation,

    /// <summary>A float32 parameter whose values are operands of a matrix product: tf32 and bf16 round them there.</summary>
    MatrixWeight,

    /// <summary>Any other parameter or statistic: float32, and used as such.</summary>
    Parameter,
}
