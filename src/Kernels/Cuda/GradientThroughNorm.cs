using CsUnet.Tensors;

namespace CsUnet.Kernels.Cuda;

/// <summary>
/// A gradient passed back through ReLU and batch norm. A convolution's gradient kernels compute it as they load; it is never stored.
/// </summary>
/// <param name="Convolved">The convolution's output.</param>
/// <param name="Coefficients">(4, C), from <see cref="CudaBatchNorm.Backward"/>.</param>
internal readonly record struct GradientThroughNorm(Tensor Convolved, Tensor Coefficients);
