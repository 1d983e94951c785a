using CsUnet.Kernels.Shapes;
using CsUnet.Tensors;

namespace CsUnet.Kernels;

/// <summary>
/// The pixel shuffle of patch expanding and the layer norm that follows, fused: <see cref="PixelShuffle"/>, then <see cref="LayerNorm"/>,
/// without a tensor between them. Inputs: input (B, H, W, s*s*C) with s = Scale, weight (C), bias (C); output (B, s*H, s*W, C). Saves mean
/// and rstd per row. Memory-bound.
/// </summary>
/// <param name="Scale">The factor s, 2 or 4 in CS-UNet.</param>
/// <param name="Eps">Added to the variance.</param>
public sealed record PixelShuffleNorm(int Scale, double Eps = 1e-5) : RowNormOperator(Eps)
{
    /// <inheritdoc />
    protected override Tensor Output(OperatorCall call)
    {
        Tensor input = call[0];
        Shape shape = input.Shape;
        Require(Scale >= 1, "scale", Scale, "at least 1");
        Require(shape.Rank == 4 && shape[3] % (Scale * Scale) == 0 && input.DType.IsFloat(), "input", input,
            $"a floating-point tensor (B, H, W, C) with C a multiple of {Scale * Scale}");
        int channels = shape[3] / (Scale * Scale);
        RequireParameters(call, 1, channels, $"the last dimension of input {shape} over {Scale * Scale}");
        return Tensor.Empty([shape[0], shape[1] * Scale, shape[2] * Scale, channels], input.DType, input.Device);
    }

    /// <inheritdoc />
    protected override void Forward<T>(OperatorCall call) =>
        Normalise<T, ShuffledRows>(call, call[0], Places(call[0].Shape), 1, call.Output);

    /// <inheritdoc />
    protected override void CudaForward(OperatorCall call) =>
        CudaNormalise(call, call[0], Places(call[0].Shape).Cuda, 1, call.Output);

    /// <inheritdoc />
    protected override void Backward<T>(OperatorCall call, Tensor dOutput, GradientSink gradients)
    {
        bool accumulate = false;
        Tensor? dInput = call.Needs(0) ? gradients.Target(0, out accumulate) : null;
        Differentiate<T, ShuffledRows>(call, dOutput, call[0], Places(call[0].Shape), 1, dInput, accumulate, gradients);
    }

    /// <inheritdoc />
    protected override void CudaBackward(OperatorCall call, Tensor dOutput, GradientSink gradients)
    {
        bool accumulate = false;
        Tensor? dInput = call.Needs(0) ? gradients.Target(0, out accumulate) : null;
        CudaDifferentiate(call, dOutput, call[0], Places(call[0].Shape).Cuda, 1, dInput, accumulate, gradients);
    }

    private ShuffledRows Places(Shape packed) => new(packed[2], Scale, packed[3] / (Scale * Scale));
}
