namespace CsUnet.Tensors;

/// <summary>
/// The arithmetic of a network on a CUDA device. In every precision, parameters, their gradients, the optimiser's state, statistics and
/// losses are float32, and sums are float32 or better.
/// </summary>
public enum Precision
{
    /// <summary>float32 throughout: 24 significant bits. The CPU supports only this one.</summary>
    Fp32,

    /// <summary>
    /// Tensors are float32. Matrix products (attention included) and convolutions round their operands to tf32, 11 significant bits, for
    /// the matrix units (tensor cores), as <c>torch.backends.cuda.matmul.allow_tf32</c> does.
    /// </summary>
    Tf32,

    /// <summary>
    /// Activations and their gradients are bfloat16: 8 significant bits and the range of float32, so that no loss scaling is needed. Matrix
    /// products multiply bfloat16 operands.
    /// </summary>
    Bf16,
}
