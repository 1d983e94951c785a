using CsUnet.Tensors;

namespace CsUnet.Kernels.Cuda;

/// <summary>Where the ReLU after a batch norm passes gradients.</summary>
/// <param name="Output">The output of the ReLU; null if the mask does not depend on it.</param>
/// <param name="Masked">Receives the masked gradient; null if it is not needed.</param>
/// <param name="Scale">With <paramref name="Shift"/>, the coefficients of a norm without residual: the mask is where input * scale + shift
/// is positive.</param>
/// <param name="Shift">Null if there is no mask, or if <paramref name="Output"/> determines it.</param>
internal readonly record struct ReLUMask(Tensor? Output, Tensor? Masked, Tensor? Scale, Tensor? Shift)
{
    /// <summary>No ReLU.</summary>
    public static ReLUMask None => default;
}
