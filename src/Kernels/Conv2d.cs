using System.Numerics;
using CsUnet.Kernels.Cpu;
using CsUnet.Kernels.Cuda;
using CsUnet.Kernels.Shapes;
using CsUnet.Tensors;

namespace CsUnet.Kernels;

/// <summary>
/// Two-dimensional convolution (cross-correlation, as everywhere in deep learning). Inputs: input (B,H,W,C), weight (O,KH,KW,C/Groups),
/// optional bias (O). output (B,OH,OW,O), OH = (H + 2·Padding - KH) / Stride + 1.
/// output[b,y,x,o] = bias[o] + Σ input[b, y·Stride+ky-Padding, x·Stride+kx-Padding, c] weight[o,ky,kx,c], over the channels of o's group.
/// </summary>
/// <param name="Stride">Input pixels from one output pixel to the next.</param>
/// <param name="Padding">Zero pixels on all four sides of the input.</param>
/// <param name="Groups">Groups of channels that are convolved separately; C groups make a depthwise convolution.</param>
/// <remarks>
/// Published weight files store (O,C,KH,KW); their reader permutes. The CPU saves nothing for the backward pass. A CUDA device saves
/// a packed input (<see cref="CudaFewChannels"/>) and, for bfloat16 inputs, the weight rounded to bfloat16.
/// </remarks>
public sealed record Conv2d(int Stride = 1, int Padding = 0, int Groups = 1) : Operator
{
    /// <inheritdoc />
    public override IReadOnlyList<KernelVariant> Variants(DeviceKind device) =>
        device == DeviceKind.Cpu ? s_cpuVariants : CudaConvolution.Variants;

    private static readonly IReadOnlyList<KernelVariant> s_cpuVariants = CpuVariants.Of(
        CpuVariants.Blocked, "matrix products whose panels are packed straight from the windows of the image", choosesVectors: true);

    /// <inheritdoc />
    protected override Tensor Output(OperatorCall call)
    {
        ConvolutionShape shape = Shape(call);
        Tensor input = call[0];
        RequireParameterType(call, "weight", call[1]);
        if (call.Optional(2) is { } bias)
        {
            Require(bias.Shape == new Shape(shape.Filters), "bias", bias.Shape, $"({shape.Filters}) = filters of weight {call[1].Shape}");
            RequireParameterType(call, "bias", bias);
        }
        return Tensor.Empty([shape.Batch, shape.OutputHeight, shape.OutputWidth, shape.Filters], input.DType, input.Device);
    }

    /// <inheritdoc />
    protected override unsafe void Forward<T>(OperatorCall call)
    {
        ConvolutionShape shape = Shape(call);
        T* input = call[0].Pointer<T>(), weight = call[1].Pointer<T>(), bias = call.Optional(2) is { } tensor ? tensor.Pointer<T>() : null;
        if (CpuVariants.IsReference(call))
            Reference(shape, input, weight, bias, call.Output.Pointer<T>());
        else
            Convolution.Forward(shape, input, weight, bias, call.Output.Pointer<T>(), CpuVariants.IsNarrow(call));
    }

    /// <inheritdoc />
    protected override void CudaForward(OperatorCall call)
    {
        ConvolutionShape shape = Shape(call);
        if (CudaConvolution.HasFewFilters(call, shape, call[0]))
        {
            CudaFewFilters.Forward(shape, call[0], call[1], call.Optional(2), call.Output);
            return;
        }
        if (CudaConvolution.Packed(call, shape, call[0], norm: null) is { } packed)
        {
            Tensor packedInput = packed.PackInput(call[0]), packedWeight = packed.PackWeight(call[1], call[0].DType);
            using Temporary ofWeight = new(packedWeight), ofInput = new(call.IsRecording ? null : packedInput);
            call.Save(call[1]);
            call.Save(packedInput);
            CudaConvolution.Forward(
                call, packed.Packed, packedInput, norm: null, packedWeight, call.Optional(2), residual: null, call.Output);
            return;
        }
        Tensor weight = Cast.Convert(call[1], call[0].DType);
        call.Save(weight);
        call.Save(call[0]);
        CudaConvolution.Forward(call, shape, call[0], norm: null, weight, call.Optional(2), residual: null, call.Output);
    }

    /// <inheritdoc />
    protected override void CudaBackward(OperatorCall call, Tensor dOutput, GradientSink gradients)
    {
        ConvolutionShape shape = Shape(call);
        bool few = CudaConvolution.HasFewFilters(call, shape, call[0]);
        if (call.Needs(0))
        {
            Tensor dInput = gradients.Target(0, out bool accumulate);
            if (few)
                CudaFewFilters.BackwardInput(shape, dOutput, call[1], dInput, accumulate);
            else
                CudaConvolution.BackwardInput(call, shape, dOutput, through: null, call.Saved[0], dInput, accumulate);
        }
        if (call.Needs(1))
        {
            Tensor dWeight = gradients.Target(1, out bool accumulate);
            if (few)
                CudaFewFilters.BackwardWeight(shape, dOutput, call[0], dWeight, accumulate);
            else
                CudaConvolution.BackwardWeight(call, shape, dOutput, through: null, call.Saved[1], norm: null, dWeight, accumulate);
        }
        if (call.Needs(2))
            ColumnBlocks.Sum(dOutput, gradients.Target(2, out bool accumulate), accumulate);
    }

    /// <inheritdoc />
    protected override unsafe void Backward<T>(OperatorCall call, Tensor dOutput, GradientSink gradients)
    {
        ConvolutionShape shape = Shape(call);
        T* input = call[0].Pointer<T>(), weight = call[1].Pointer<T>(), dy = dOutput.Pointer<T>(), dInput = null, dWeight = null,
            dBias = null;
        bool addsInput = false, addsWeight = false, addsBias = false;
        if (call.Needs(0))
            dInput = gradients.Target(0, out addsInput).Pointer<T>();
        if (call.Needs(1))
            dWeight = gradients.Target(1, out addsWeight).Pointer<T>();
        if (call.Needs(2))
            dBias = gradients.Target(2, out addsBias).Pointer<T>();
        if (CpuVariants.IsReference(call))
        {
            ReferenceBackward(shape, input, weight, dy, dInput, addsInput, dWeight, addsWeight, dBias, addsBias);
            return;
        }
        bool narrow = CpuVariants.IsNarrow(call);
        if (dInput != null)
            Convolution.BackwardInput(shape, weight, dy, dInput, addsInput, narrow);
        if (dWeight != null)
            Convolution.BackwardWeight(shape, input, dy, dWeight, addsWeight, narrow);
        if (dBias != null)
            ColumnSums.Run(shape.OutputPixels, shape.Filters, dy, dBias, addsBias);
    }

    /// <inheritdoc />
    public override long MultiplyAdds(OperatorCall call) => Shape(call).MultiplyAdds;

    private ConvolutionShape Shape(OperatorCall call) => Shape(call[0], call[1]);

    /// <summary>The sizes; throws if input and weight do not match.</summary>
    internal ConvolutionShape Shape(Tensor input, Tensor weight)
    {
        Require(Stride >= 1, "stride", Stride, "at least 1");
        Require(Padding >= 0, "padding", Padding, "at least 0");
        Require(input.Shape.Rank == 4 && input.DType.IsFloat(), "input", input, "a floating-point tensor (B,H,W,C)");
        int channels = input.Shape[3];
        Require(Groups >= 1 && channels % Groups == 0, "groups", Groups, $"a divisor of the channels of input {input.Shape}");
        Require(weight.Shape.Rank == 4 && weight.Shape[3] == channels / Groups, "weight", weight.Shape,
            $"(O,KH,KW,{channels / Groups}), {channels / Groups} = channels of input {input.Shape} / {Groups} groups");
        Require(weight.Shape[0] % Groups == 0, "weight", weight.Shape, $"a number of filters that {Groups} groups divide");
        Require(weight.Shape[1] >= 1 && weight.Shape[2] >= 1
            && input.Shape[1] + 2 * Padding >= weight.Shape[1] && input.Shape[2] + 2 * Padding >= weight.Shape[2],
            "weight", weight.Shape, $"a kernel no larger than input {input.Shape} with padding {Padding}");
        return new ConvolutionShape(
            input.Shape[0], input.Shape[1], input.Shape[2], channels, weight.Shape[0], weight.Shape[1], weight.Shape[2],
            Stride, Padding, Groups);
    }

    /// <summary>The reference implementation of the forward pass: plain loops. The bias may be null.</summary>
    public static unsafe void Reference<T>(ConvolutionShape shape, T* input, T* weight, T* bias, T* output)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        for (nint i = 0; i < (nint)shape.OutputPixels * shape.Filters; i++)
            output[i] = bias == null ? T.Zero : bias[i % shape.Filters];
        ForEachTap(shape, (x, w, y) =>
        {
            for (int c = 0; c < shape.GroupChannels; c++)
                output[y] += input[x + c] * weight[w + c];
        });
    }

    /// <summary>
    /// The reference implementation of the backward pass: plain loops. Each gradient may be null. It is overwritten, or added to if asked
    /// for.
    /// </summary>
    public static unsafe void ReferenceBackward<T>(
        ConvolutionShape shape, T* input, T* weight, T* dOutput, T* dInput, bool addsInput, T* dWeight, bool addsWeight, T* dBias,
        bool addsBias)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        if (dInput != null)
        {
            if (!addsInput)
                new Span<T>(dInput, checked(shape.Batch * shape.Height * shape.Width * shape.Channels)).Clear();
            ForEachTap(shape, (x, w, y) =>
            {
                for (int c = 0; c < shape.GroupChannels; c++)
                    dInput[x + c] += dOutput[y] * weight[w + c];
            });
        }
        if (dWeight != null)
        {
            if (!addsWeight)
                new Span<T>(dWeight, shape.Filters * shape.FilterSize).Clear();
            ForEachTap(shape, (x, w, y) =>
            {
                for (int c = 0; c < shape.GroupChannels; c++)
                    dWeight[w + c] += dOutput[y] * input[x + c];
            });
        }
        if (dBias != null)
            ColumnSums.Reference(shape.OutputPixels, shape.Filters, dOutput, dBias, addsBias);
    }

    /// <summary>
    /// Calls <paramref name="tap"/> for every output element and every tap of its filter that lies inside the image, with the indices of
    /// input, weight and output. The indices of input and weight are those of the group's first channel.
    /// </summary>
    private static void ForEachTap(ConvolutionShape shape, Action<nint, nint, nint> tap)
    {
        for (int b = 0; b < shape.Batch; b++)
            for (int y = 0; y < shape.OutputHeight; y++)
                for (int x = 0; x < shape.OutputWidth; x++)
                    for (int o = 0; o < shape.Filters; o++)
                        for (int ky = 0; ky < shape.KernelHeight; ky++)
                            for (int kx = 0; kx < shape.KernelWidth; kx++)
                            {
                                int row = y * shape.Stride + ky - shape.Padding, column = x * shape.Stride + kx - shape.Padding;
                                if (row < 0 || row >= shape.Height || column < 0 || column >= shape.Width)
                                    continue;
                                int channel = o / shape.GroupFilters * shape.GroupChannels;
                                nint input = (((nint)b * shape.Height + row) * shape.Width + column) * shape.Channels + channel;
                                nint weight = (((nint)o * shape.KernelHeight + ky) * shape.KernelWidth + kx) * shape.GroupChannels;
                                nint output = (((nint)b * shape.OutputHeight + y) * shape.OutputWidth + x) * shape.Filters + o;
                                tap(input, weight, output);
                            }
    }
}
