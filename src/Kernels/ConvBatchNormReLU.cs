using System.Numerics;
using CsUnet.Kernels.Cpu;
using CsUnet.Kernels.Cuda;
using CsUnet.Kernels.Shapes;
using CsUnet.Tensors;
using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

namespace CsUnet.Kernels;

/// <summary>
/// Convolution, batch norm, optional residual and ReLU in one operator, as in a ResNet. Inputs: input (B, H, W, C), convolution
/// weight (O, KH, KW, C/Groups), batch-norm weight (O), bias (O), runningMean (O), runningVar (O), optional residual (B, H', W', O).
/// z = conv(input); output = relu(batchnorm(z) + residual). Training saves z, so the backward pass needs neither xhat nor the mask:
/// g = dOutput where output &gt; 0; dResidual = g; batch norm's rule turns g into dz in one pass, conv's rule turns dz into dInput and
/// dWeight. Evaluation without gradients folds batch norm into the weights: conv(input, weight * scale) + shift.
/// On CUDA devices the convolution's kernel also computes the statistics of z. Where it is cheaper, dz is never stored: the kernels of
/// dInput and dWeight compute it from dOutput and z as they load them.
/// </summary>
/// <param name="Stride">Stride of the convolution.</param>
/// <param name="Padding">Zero pixels around the image.</param>
/// <param name="Groups">Groups of the convolution.</param>
/// <param name="Eps">Added to the variance.</param>
/// <param name="Momentum">Weight of the batch in the running statistics.</param>
/// <param name="Training">Whether to normalise with the batch's own statistics.</param>
/// <param name="ReLU">Whether to apply the ReLU.</param>
public sealed record ConvBatchNormReLU(
    int Stride = 1, int Padding = 0, int Groups = 1, double Eps = 1e-5, double Momentum = 0.1, bool Training = true, bool ReLU = true)
    : Operator
{
    private const int Residual = 6;

    private Conv2d Convolution => new(Stride, Padding, Groups);

    internal BatchNorm Norm => new(Eps, Momentum, Training);

    /// <inheritdoc />
    public override IReadOnlyList<KernelVariant> Variants(DeviceKind device) => device == DeviceKind.Cpu ? [] : CudaConvolution.Variants;

    /// <inheritdoc />
    protected override Tensor? Output(OperatorCall call)
    {
        CheckParameters(call, first: 1);
        // The forward rule makes the output, because it reuses the memory of z if z is not needed again.
        return null;
    }

    /// <summary>
    /// Checks the parameters of a call, from convolution weight to running variance; the first one is input <paramref name="first"/>.
    /// </summary>
    internal void CheckParameters(OperatorCall call, int first)
    {
        Tensor weight = call[first];
        Require(weight.Shape.Rank == 4, "convolution weight", weight.Shape, "(O, KH, KW, C/Groups)");
        RequireParameterType(call, "convolution weight", weight);
        string[] names = ["batch-norm weight", "batch-norm bias", "running mean", "running variance"];
        for (int i = 0; i < names.Length; i++)
        {
            Tensor parameter = call[first + 1 + i];
            Require(parameter.Shape == new Shape(weight.Shape[0]), names[i], parameter.Shape,
                $"({weight.Shape[0]}) = output channels of convolution weight {weight.Shape}");
            RequireParameterType(call, names[i], parameter);
        }
    }

    /// <inheritdoc />
    public override long MultiplyAdds(OperatorCall call) =>
        call.Output.Count * call[1].Shape[1] * call[1].Shape[2] * call[1].Shape[3];

    /// <inheritdoc />
    protected override unsafe void Forward<T>(OperatorCall call)
    {
        int channels = call[1].Shape[0];
        Tensor scratch = Tensor.Empty([4, channels], call[0].DType);
        Tensor mean = scratch.Slice(0, 1), rstd = scratch.Slice(1, 1);
        T* scale = scratch.Slice(2, 1).Pointer<T>(), shift = scratch.Slice(3, 1).Pointer<T>();
        bool folded = !Training && !call.IsRecording;
        Tensor? convolved = folded ? null : OperatorCall.Run(Convolution, call[0], call[1]);
        long rows = convolved?.Shape.Rows ?? 0;
        Require(!Training || rows > 1, "input", call[0].Shape, "more than one output value per channel in training");
        BatchNorm.Normaliser.Forward(
            Norm, folded ? null : convolved!.Pointer<T>(), rows, channels, call[2].Pointer<T>(), call[3].Pointer<T>(), call[4].Pointer<T>(),
            call[5].Pointer<T>(), mean.Pointer<T>(), rstd.Pointer<T>(), scale, shift);
        if (folded)
        {
            call.Output = Fold<T>(call, scale, scratch.Slice(3, 1).Reshape([channels]));
            return;
        }
        call.Save(convolved!);
        call.Save(mean);
        call.Save(rstd);
        RequireResidual(call, convolved!.Shape);
        // The backward pass needs z. Without one, the memory of z becomes the output.
        call.Output = call.IsRecording ? Tensor.EmptyLike(convolved) : convolved;
        ChannelNorm.Apply(
            convolved.Pointer<T>(), scale, shift, call.Optional(Residual) is { } residual ? residual.Pointer<T>() : null,
            call.Output.Pointer<T>(), rows, channels, ReLU);
    }

    private void RequireResidual(OperatorCall call, Shape output)
    {
        if (call.Optional(Residual) is not { } residual)
            return;
        Require(residual.Shape == output, "residual", residual.Shape, $"{output} = shape of the output");
        RequireSameType(call, "residual", residual);
    }

    private unsafe Tensor Fold<T>(OperatorCall call, T* scale, Tensor shift) where T : unmanaged, IFloatingPointIeee754<T>
    {
        Tensor weight = Tensor.EmptyLike(call[1]);
        long perChannel = weight.Count / weight.Shape[0];
        T* source = call[1].Pointer<T>(), target = weight.Pointer<T>();
        for (int o = 0; o < weight.Shape[0]; o++, source += perChannel, target += perChannel)
            TensorPrimitives.Multiply(Simd.Span(source, perChannel), scale[o], Simd.Span(target, perChannel));
        Tensor output = OperatorCall.Run(Convolution, call[0], weight, shift);
        RequireResidual(call, output.Shape);
        Tensor? residual = call.Optional(Residual);
        if (!ReLU && residual is null)
            return output;
        Tensor identity = Tensor.Full([2, weight.Shape[0]], 1, weight.DType);
        identity.Slice(1, 1).Clear();
        ChannelNorm.Apply(
            output.Pointer<T>(), identity.Pointer<T>(), identity.Slice(1, 1).Pointer<T>(), residual is null ? null : residual.Pointer<T>(),
            output.Pointer<T>(), output.Shape.Rows, output.Shape.Last, ReLU);
        return output;
    }

    /// <inheritdoc />
    protected override unsafe void Backward<T>(OperatorCall call, Tensor dOutput, GradientSink gradients)
    {
        Tensor convolved = call.Saved[0];
        int channels = convolved.Shape.Last;
        Tensor? masked = call.Needs(Residual) && ReLU ? Tensor.EmptyLike(dOutput) : null;
        Tensor coefficients = BatchNorm.Normaliser.Backward<T>(
            Norm, call, gradients, convolved, ReLU ? call.Output : null, dOutput, masked, weight: 2, bias: 3, call.Saved[1], call.Saved[2]);
        // In the masked gradient the mask is already applied.
        Tensor g = masked ?? dOutput;
        T* mask = ReLU && masked is null ? call.Output.Pointer<T>() : null;
        if (call.Needs(0) || call.Needs(1))
        {
            Tensor dConvolved = Tensor.EmptyLike(convolved);
            dConvolved.Storage.AddReference();
            T* a = coefficients.Pointer<T>();
            ChannelNorm.BackwardInput(
                convolved.Pointer<T>(), mask, g.Pointer<T>(), a, a + channels, a + 2 * channels, dConvolved.Pointer<T>(),
                convolved.Shape.Rows, channels, accumulate: false);
            var inner = new OperatorCall(Convolution, [call[0], call[1]], [call.Needs(0), call.Needs(1)]) { Output = convolved };
            inner.Backward(dConvolved, gradients);
            dConvolved.Storage.ReleaseReference();
        }
        if (call.Needs(Residual))
            GiveResidual(masked, dOutput, gradients);
    }

    /// <summary>
    /// The sizes of the convolution; throws if input and weight do not match, or if training has only one value per channel.
    /// </summary>
    internal ConvolutionShape Shape(Tensor input, Tensor weight)
    {
        ConvolutionShape shape = Convolution.Shape(input, weight);
        Require(!Training || shape.OutputPixels > 1, "input", input.Shape, "more than one output value per channel in training");
        return shape;
    }

    /// <summary>The shape of the output.</summary>
    internal static Shape OutputOf(ConvolutionShape shape) => [shape.Batch, shape.OutputHeight, shape.OutputWidth, shape.Filters];

    /// <inheritdoc />
    protected override void CudaForward(OperatorCall call)
    {
        ConvolutionShape shape = Shape(call[0], call[1]);
        RequireResidual(call, OutputOf(shape));
        Tensor[] parameters = [call[1], call[2], call[3], call[4], call[5]];
        if (!Training && !call.IsRecording)
        {
            call.Output = CudaConvBatchNorm.Evaluate(call, this, shape, call[0], parameters, call.Optional(Residual));
            return;
        }
        CudaConvBatchNorm layer = CudaConvBatchNorm.Forward(call, this, shape, call[0], norm: null, parameters);
        layer.Save(call);
        call.Output = layer.Apply(call.Optional(Residual), ReLU, call.IsRecording);
    }

    /// <inheritdoc />
    protected override void CudaBackward(OperatorCall call, Tensor dOutput, GradientSink gradients)
    {
        CudaConvBatchNorm layer = CudaConvBatchNorm.Saved(this, Shape(call[0], call[1]), call, index: 0);
        ReLUMask mask = layer.Mask(ReLU, call.Optional(Residual) is null ? null : call.Output);
        bool accumulate = false;
        Tensor? dInput = call.Needs(0) ? gradients.Target(0, out accumulate) : null;
        layer.Backward(call, gradients, first: 1, norm: null, mask, dOutput, dInput, accumulate);
        if (call.Needs(Residual))
            GiveResidual(mask.Masked, dOutput, gradients);
    }

    private static void GiveResidual(Tensor? masked, Tensor dOutput, GradientSink gradients)
    {
        if (masked is not null)
            gradients.Give(Residual, masked);
        else
            gradients.Pass(Residual, dOutput);
    }
}
