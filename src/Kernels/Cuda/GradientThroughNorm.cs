using CsUnet.Tensors;

namespace CsUnet.Kernels.Cuda;

/// <summary>A gradient passed back through ReLU and batch norm as a convolution's gradient kernels load it; never stored.</summary>
/// <param name="Convolved">The convolution's output.</param>
/// <param name="Coefficients">(4, C), of <see cref="CudaBatchNorm.Backward"/>.</param>
internal readonly record struct GradientThroughNorm(Tensor Convolved, Tensor Coefficients);
