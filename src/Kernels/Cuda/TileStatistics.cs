using CsUnet.Tensors;

namespace CsUnet.Kernels.Cuda;

/// <summary>
/// Statistics that a convolution wrote with its output. <see cref="CudaBatchNorm"/> computes mean and variance from them.
/// </summary>
/// <param name="Values">(tiles, 3, C): the mean of a tile, the sums of deviations from it and of their squares.</param>
/// <param name="TileRows">Rows of a tile.</param>
internal readonly record struct TileStatistics(Tensor Values, int TileRows);
