using CsUnet.Kernels.Shapes;
using CsUnet.Tensors;

namespace CsUnet.Kernels.Cuda;

/// <summary>
/// One convolution with batch norm on a CUDA device, as kept between its passes. It launches <see cref="CudaConvolution"/> and
/// kernels/batch_norm.cu.
/// </summary>
/// <param name="Op">The settings.</param>
/// <param name="Shape">The sizes.</param>
/// <param name="Convolved">z, the output of the convolution.</param>
/// <param name="Coefficients">Mean, rstd, scale and shift (4, O).</param>
/// <param name="Input">What the convolution read: its input, or the packed input.</param>
/// <param name="Weight">The convolution's weight in the type of the activations; in float32 if it was packed.</param>
internal sealed record CudaConvBatchNorm(
    ConvBatchNormReLU Op, ConvolutionShape Shape, Tensor Convolved, Tensor Coefficients, Tensor Input, Tensor Weight)
{
    private const int SavedTensors = 4;

    /// <summary>Scale and shift (2, O), for a following convolution that computes relu(batchnorm(z)) as it loads z.</summary>
    public Tensor Norm => Coefficients.Slice(2, 2);

    /// <summary>Computes the convolution and the coefficients of its batch norm.</summary>
    /// <param name="call">The call that contains the layer.</param>
    /// <param name="op">The settings.</param>
    /// <param name="shape">The sizes.</param>
    /// <param name="input">The input; with <paramref name="norm"/>, the z of the layer before.</param>
    /// <param name="norm">The <see cref="Norm"/> of the layer before; null if the convolution reads the input as it is.</param>
    /// <param name="parameters">Convolution weight, batch-norm weight, bias, running mean, running variance.</param>
    public static CudaConvBatchNorm Forward(
        OperatorCall call, ConvBatchNormReLU op, ConvolutionShape shape, Tensor input, Tensor? norm, ReadOnlySpan<Tensor> parameters)
    {
        Tensor convolved = Tensor.Empty(ConvBatchNormReLU.OutputOf(shape), input.DType, input.Device);
        Tensor coefficients = Tensor.Empty([4, shape.Filters], DType.Float32, input.Device);
        CudaFewChannels? packed = CudaConvolution.Packed(call, shape, input, norm);
        Tensor weight = packed?.PackWeight(parameters[0], input.DType) ?? Cast.Convert(parameters[0], input.DType);
        using var ofWeight = new Temporary(packed is null ? null : weight);
        input = packed?.PackInput(input) ?? input;
        ConvolutionShape read = packed?.Packed ?? shape;
        if (op.Training)
        {
            TileStatistics statistics = CudaConvolution.ForwardWithStatistics(call, read, input, norm, weight, convolved);
            using var ofStatistics = new Temporary(statistics.Values);
            CudaBatchNorm.Coefficients(op.Norm, statistics, shape.OutputPixels, parameters[1..], Rows(coefficients));
        }
        else
        {
            CudaConvolution.Forward(call, read, input, norm, weight, bias: null, residual: null, convolved);
            CudaBatchNorm.Coefficients(op.Norm, input: null, parameters[1..], Rows(coefficients));
        }
        return new CudaConvBatchNorm(op, shape, convolved, coefficients, input, packed is null ? weight : parameters[0]);
    }

    /// <summary>
    /// Evaluation without gradients: batch norm is folded into the weight; bias, residual and ReLU are fused into the epilogue.
    /// </summary>
    public static Tensor Evaluate(
        OperatorCall call, ConvBatchNormReLU op, ConvolutionShape shape, Tensor input, ReadOnlySpan<Tensor> parameters, Tensor? residual)
    {
        Tensor output = Tensor.Empty(ConvBatchNormReLU.OutputOf(shape), input.DType, input.Device);
        Tensor[] coefficients = Rows(Tensor.Empty([4, shape.Filters], DType.Float32, input.Device));
        CudaBatchNorm.Coefficients(op.Norm, input: null, parameters[1..], coefficients);
        CudaFewChannels? packed = CudaConvolution.Packed(call, shape, input, norm: null);
        Tensor folded = CudaBatchNorm.Fold(parameters[0], coefficients[2], packed is null ? input.DType : DType.Float32);
        CudaConvolution.Forward(
            call, packed?.Packed ?? shape, packed?.PackInput(input) ?? input, norm: null, packed?.PackWeight(folded, input.DType) ?? folded,
            coefficients[3], residual, output, op.ReLU);
        return output;
    }

    /// <summary>Keeps the layer for the backward pass of a call.</summary>
    public void Save(OperatorCall call)
    {
        call.Save(Convolved);
        call.Save(Coefficients);
        call.Save(Input);
        call.Save(Weight);
    }

    /// <summary>The layer with number <paramref name="index"/> among those that a call saved.</summary>
    public static CudaConvBatchNorm Saved(ConvBatchNormReLU op, ConvolutionShape shape, OperatorCall call, int index) => new(
        op, shape, call.Saved[SavedTensors * index], call.Saved[SavedTensors * index + 1], call.Saved[SavedTensors * index + 2],
        call.Saved[SavedTensors * index + 3]);

    /// <summary>Applies batch norm, the residual unless null, and ReLU if asked for. Overwrites z unless it must be kept.</summary>
    public Tensor Apply(Tensor? residual, bool relu, bool keepsConvolved)
    {
        Tensor output = keepsConvolved ? Tensor.EmptyLike(Convolved) : Convolved;
        CudaBatchNorm.Apply(Convolved, Coefficients.Slice(2, 1), Coefficients.Slice(3, 1), residual, output, relu);
        return output;
    }

    /// <summary>
    /// The mask of the ReLU. Without a residual, z determines it; with one, the output does, and the masked gradient gets a tensor.
    /// </summary>
    public ReLUMask Mask(bool relu, Tensor? outputWithResidual) => !relu ? ReLUMask.None
        : outputWithResidual is null ? new ReLUMask(null, null, Coefficients.Slice(2, 1), Coefficients.Slice(3, 1))
        : new ReLUMask(outputWithResidual, Tensor.EmptyLike(outputWithResidual), null, null);

    /// <summary>Computes the gradients of the inputs of batch norm and convolution.</summary>
    /// <param name="call">The call.</param>
    /// <param name="gradients">Receives the parameters' gradients.</param>
    /// <param name="first">The index of the convolution's weight among the call's inputs; batch-norm weight and bias follow.</param>
    /// <param name="norm">As in the forward pass.</param>
    /// <param name="mask">The mask of the ReLU.</param>
    /// <param name="dOutput">The gradient of the output.</param>
    /// <param name="dInput">Receives the gradient of the convolution's input; null if it is not needed.</param>
    /// <param name="accumulate">Whether to add to dInput.</param>
    public void Backward(
        OperatorCall call, GradientSink gradients, int first, Tensor? norm, ReLUMask mask, Tensor dOutput, Tensor? dInput, bool accumulate)
    {
        Tensor coefficients = CudaBatchNorm.Backward(
            Op.Norm, call, gradients, Convolved, mask, dOutput, weight: first + 1, bias: first + 2, Coefficients.Slice(0, 1),
            Coefficients.Slice(1, 1));
        bool needsWeight = call.Needs(first);
        if (dInput is null && !needsWeight)
            return;
        Tensor gradient = mask.Masked ?? dOutput;
        bool onTheWay = CudaConvolution.MakesGradientOnTheWay(Shape, dInput is not null, needsWeight);
        GradientThroughNorm? through = onTheWay ? new GradientThroughNorm(Convolved, coefficients) : null;
        Tensor? dConvolved = onTheWay ? null : Tensor.EmptyLike(Convolved);
        using var temporary = new Temporary(dConvolved);
        if (dConvolved is not null)
        {
            CudaBatchNorm.BackwardInput(Convolved, gradient, coefficients, dConvolved, accumulate: false);
            gradient = dConvolved;
        }
        if (dInput is not null)
            CudaConvolution.BackwardInput(call, Shape, gradient, through, Weight, dInput, accumulate);
        if (needsWeight)
            CudaConvolution.BackwardWeight(call, Shape, gradient, through, Input, norm, gradients.Target(first, out bool adds), adds);
    }

    private static Tensor[] Rows(Tensor coefficients) => [.. Enumerable.Range(0, 4).Select(row => coefficients.Slice(row, 1))];
}
