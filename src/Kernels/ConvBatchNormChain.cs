using CsUnet.Kernels.Cuda;
using CsUnet.Kernels.Shapes;
using CsUnet.Tensors;

namespace CsUnet.Kernels;

/// <summary>
/// Two or three <see cref="ConvBatchNormReLU"/> in sequence, as in the residual blocks of a ResNet: x_i = relu(batchnorm(conv(x_i-1))). An
/// optional residual is added to the last batch norm, before its ReLU. Inputs: input (B, H, W, C); per layer convolution weight, batch-norm
/// weight, bias, runningMean, runningVar; optional residual with the shape of the output.
/// If a backward pass follows on a CUDA device, the intermediate x_i are never stored. The next convolution loads z = conv(x) of the layer
/// before, and applies scale, shift and ReLU as it loads; so does the gradient of its weight. Saves z, the coefficients of every batch
/// norm, bfloat16 weights, and a packed input. On the CPU, and in evaluation without gradients, the operators run one after the
/// other; evaluation folds batch norm into the weights.
/// </summary>
/// <param name="First">The first layer; it has a ReLU.</param>
/// <param name="Second">The second layer; it has a ReLU if there is a third.</param>
/// <param name="Third">The third layer, or null.</param>
public sealed record ConvBatchNormChain(ConvBatchNormReLU First, ConvBatchNormReLU Second, ConvBatchNormReLU? Third = null) : Operator
{
    private const int Parameters = 5, LayerResidual = 6;

    private ConvBatchNormReLU[] Layers => Third is null ? [First, Second] : [First, Second, Third];

    /// <summary>
    /// The operators that apply layers to a tensor on its device, and the number of layers in each; the last operator takes the residual.
    /// On CUDA devices it is one chain, which stores less between the layers. On the CPU a chain runs its layers one by one anyway, and
    /// separate operators free what they saved as soon as the backward pass has left them.
    /// </summary>
    /// <param name="input">The input of the first layer.</param>
    /// <param name="layers">Two or three layers.</param>
    public static IReadOnlyList<(Operator Op, int Layers)> Parts(Tensor input, IReadOnlyList<ConvBatchNormReLU> layers) =>
        input.Device.Kind == DeviceKind.Cuda
            ? [(new ConvBatchNormChain(layers[0], layers[1], layers.Count > 2 ? layers[2] : null), layers.Count)]
            : [.. layers.Select(layer => ((Operator)layer, 1))];

    private int Residual => 1 + Parameters * Layers.Length;

    /// <inheritdoc />
    public override IReadOnlyList<KernelVariant> Variants(DeviceKind device) => device == DeviceKind.Cpu ? [] : CudaConvolution.Variants;

    /// <inheritdoc />
    protected override Tensor? Output(OperatorCall call)
    {
        ConvBatchNormReLU[] layers = Layers;
        for (int i = 0; i < layers.Length; i++)
        {
            Require(i == layers.Length - 1 || layers[i].ReLU, $"layer {i + 1}", layers[i], "a layer with ReLU before another");
            Require(layers[i].Training == First.Training, $"layer {i + 1}", layers[i], $"Training = {First.Training} as the first layer");
            layers[i].CheckParameters(call, FirstOf(i));
        }
        return null;
    }

    /// <inheritdoc />
    protected override void CpuForward(OperatorCall call) => Compose(call);

    /// <summary>Runs the layers one after the other, as separate operators.</summary>
    private void Compose(OperatorCall call)
    {
        ConvBatchNormReLU[] layers = Layers;
        Tensor x = call[0];
        for (int i = 0; i < layers.Length; i++)
        {
            OperatorCall layer = LayerCall(call, i, x, Enumerable.Repeat(call.IsRecording, LayerResidual + 1));
            layer.Forward();
            foreach (Tensor saved in layer.Saved)
                call.Save(saved);
            x = layer.Output;
            if (i < layers.Length - 1)
                call.Save(x);
        }
        call.Output = x;
    }

    /// <inheritdoc />
    protected override void CpuBackward(OperatorCall call, Tensor dOutput, GradientSink gradients)
    {
        ConvBatchNormReLU[] layers = Layers;
        // A layer saves z, mean and rstd, and then its output unless it is the last layer.
        const int saved = 4;
        for (int i = layers.Length - 1; i >= 0; i--)
        {
            bool last = i == layers.Length - 1;
            OperatorCall layer = LayerCall(call, i, i == 0 ? call[0] : call.Saved[saved * i - 1],
                [NeedsInputOf(call, i), .. Enumerable.Range(FirstOf(i), Parameters).Select(call.Needs), last && call.Needs(Residual)]);
            for (int j = 0; j < saved - 1; j++)
                layer.Save(call.Saved[saved * i + j]);
            layer.Output = last ? call.Output : call.Saved[saved * i + saved - 1];
            Tensor? dInput = i > 0 && layer.Needs(0) ? Tensor.EmptyLike(layer[0]) : null;
            dInput?.Storage.AddReference();
            layer.Backward(dOutput, new LayerSink(gradients, FirstOf(i), Residual, dInput));
            if (!last)
                dOutput.Storage.ReleaseReference();
            if (dInput is null)
                return;
            dOutput = dInput;
        }
    }

    /// <inheritdoc />
    public override long MultiplyAdds(OperatorCall call)
    {
        long sum = 0;
        Shape shape = call[0].Shape;
        for (int i = 0; i < Layers.Length; i++)
        {
            ConvBatchNormReLU layer = Layers[i];
            Shape weight = call[FirstOf(i)].Shape;
            var convolution = new ConvolutionShape(
                shape[0], shape[1], shape[2], shape[3], weight[0], weight[1], weight[2], layer.Stride, layer.Padding, layer.Groups);
            sum += convolution.MultiplyAdds;
            shape = ConvBatchNormReLU.OutputOf(convolution);
        }
        return sum;
    }

    /// <summary>The index of a layer's convolution weight among the inputs.</summary>
    private static int FirstOf(int layer) => 1 + Parameters * layer;

    /// <summary>
    /// Whether the input of a layer, counted from 0, needs a gradient: because the call's input or an earlier parameter does.
    /// </summary>
    private static bool NeedsInputOf(OperatorCall call, int layer) => Enumerable.Range(0, FirstOf(layer)).Any(call.Needs);

    private OperatorCall LayerCall(OperatorCall call, int i, Tensor x, IEnumerable<bool> needs) => new(
        Layers[i], [x, .. call.Inputs.Skip(FirstOf(i)).Take(Parameters), i == Layers.Length - 1 ? call.Optional(Residual) : null],
        [.. needs]);

    /// <inheritdoc />
    protected override void CudaForward(OperatorCall call)
    {
        if (!First.Training && !call.IsRecording)
        {
            Compose(call);
            return;
        }
        ConvBatchNormReLU[] layers = Layers;
        Tensor input = call[0];
        CudaConvBatchNorm? layer = null;
        for (int i = 0; i < layers.Length; i++)
        {
            int first = FirstOf(i);
            ConvolutionShape shape = layers[i].Shape(input, call[first]);
            layer = CudaConvBatchNorm.Forward(
                call, layers[i], shape, input, layer?.Norm,
                [call[first], call[first + 1], call[first + 2], call[first + 3], call[first + 4]]);
            layer.Save(call);
            input = layer.Convolved;
        }
        if (call.Optional(Residual) is { } residual)
        {
            Require(residual.Shape == input.Shape, "residual", residual.Shape, $"{input.Shape} = shape of the output");
            RequireSameType(call, "residual", residual);
        }
        call.Output = layer!.Apply(call.Optional(Residual), layers[^1].ReLU, call.IsRecording);
    }

    /// <inheritdoc />
    protected override void CudaBackward(OperatorCall call, Tensor dOutput, GradientSink gradients)
    {
        ConvBatchNormReLU[] layers = Layers;
        CudaConvBatchNorm[] saved = new CudaConvBatchNorm[layers.Length];
        for (int i = 0; i < layers.Length; i++)
            saved[i] = CudaConvBatchNorm.Saved(layers[i], layers[i].Shape(i == 0 ? call[0] : saved[i - 1].Convolved, call[FirstOf(i)]),
                call, i);
        Tensor gradient = dOutput;
        for (int i = layers.Length - 1; i >= 0; i--)
        {
            bool last = i == layers.Length - 1, accumulate = false;
            ReLUMask mask = saved[i].Mask(layers[i].ReLU, last && call.Optional(Residual) is not null ? call.Output : null);
            Tensor? dInput = !NeedsInputOf(call, i) ? null : i > 0
                ? Tensor.EmptyLike(saved[i - 1].Convolved)
                : gradients.Target(0, out accumulate);
            saved[i].Backward(
                call, gradients, FirstOf(i), i > 0 ? saved[i - 1].Norm : null, mask, gradient, dInput, accumulate);
            if (last && call.Needs(Residual) && mask.Masked is { } masked)
                gradients.Give(Residual, masked);
            else if (last && call.Needs(Residual))
                gradients.Pass(Residual, dOutput);
            if (!last)
                gradient.Storage.ReleaseReference();
            if (dInput is null)
                return;
            gradient = dInput;
            if (i > 0)
                gradient.Storage.AddReference();
        }
    }

    /// <summary>
    /// Passes the gradients of a layer's parameters and residual to the chain. The gradient of the layer's input goes to dInput, or to the
    /// chain for the first layer.
    /// </summary>
    private sealed class LayerSink(GradientSink chain, int first, int residual, Tensor? dInput) : GradientSink
    {
        private int Of(int input) => input == 0 ? 0 : input == LayerResidual ? residual : first + input - 1;

        public override Tensor Target(int input, out bool accumulate)
        {
            if (input > 0 || dInput is null)
                return chain.Target(Of(input), out accumulate);
            accumulate = false;
            return dInput;
        }

        public override void Give(int input, Tensor gradient) => chain.Give(Of(input), gradient);

        public override void Pass(int input, Tensor gradient) => chain.Pass(Of(input), gradient);
    }
}
