using CsUnet.Tensors;

namespace CsUnet.Kernels.Cuda;

/// <summary>Where the ReLU after a batch norm lets gradients through.</summary>
/// <param name="Output">The rectified output; null if it is not needed to know.</param>
/// <param name="Masked">Where the masked gradient goes; null if it is not needed.</param>
/// <param name="Scale">With <paramref name="Shift"/>, of a norm without residual: the mask is where input * scale + shift is
/// positive.</param>
/// <param name="Shift">Null if there is no mask, or <paramref name="Output"/> is it.</param>
internal readonly record struct ReLUMask(Tensor? Output, Tensor? Masked, Tensor? Scale, Tensor? Shift)
{
    /// <summary>No ReLU.</summary>
    public static ReLUMask None => default;
}
