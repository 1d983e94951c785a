namespace CsUnet.Tensors;

/// <summary>
/// The arithmetic of a network on a CUDA device. In every one of them parameters, their gradients, the
/// optimiser's state, statistics and losses are float32, and sums are float32 or better.
/// </summary>
public enum Precision
{
    /// <summary>float32 throughout: 24 significant bits. The only one on the processor.</summary>
    Fp32,

    /// <summary>
    /// float32 tensors whose matrix products, attention's among them, and convolutions round their operands to tf32, 11 significant bits,
    /// for the matrix units, as <c>torch.backends.cuda.matmul.allow_tf32</c> does.
    /// </summary>
    Tf32,

    /// <summary>
    /// Activations and their gradients are bfloat16, 8 significant bits and float32's range, so that no loss scaling is needed; matrix
    /// products multiply bfloat16 operands.
    /// </summary>
    Bf16,
}
