using CsUnet.Tensors;

namespace CsUnet.Kernels.Cuda;

/// <summary>A gradient that goes back through ReLU and batch norm on its way into a convolution's gradients, and is never stored.</summary>
/// <param name="Convolved">The convolution's output.</param>
/// <param name="Coefficients">(4, C), of <see cref="CudaBatchNorm.Backward"/>.</param>
internal readonly record struct GradientThroughNorm(Tensor Convolved, Tensor Coefficients);
