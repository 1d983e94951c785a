using CsUnet.Autograd;
using CsUnet.Kernels;
using CsUnet.Tensors;

namespace CsUnet.Nn;

/// <summary>Convolution: weight (out, k, k, in / groups) in memory, OIHW in files. (B, H, W, in) -> (B, H', W', out).</summary>
public sealed class Conv2d : Layer
{
    private readonly Parameter? _bias;
    private readonly int _stride, _padding, _groups;
    private readonly bool _normalised;

    /// <summary>Creates a layer with a square kernel, initialised like PyTorch's unless batch norm follows.</summary>
    /// <param name="inChannels">Input channels.</param>
    /// <param name="outChannels">Output channels.</param>
    /// <param name="kernelSize">Side of the kernel.</param>
    /// <param name="stride">Stride of the kernel.</param>
    /// <param name="padding">Rows and columns of zeros around the image.</param>
    /// <param name="groups">Groups of channels.</param>
    /// <param name="bias">Whether a bias is added.</param>
    /// <param name="type">Element type.</param>
    /// <param name="normalised">Whether batch norm follows; then He's fan-out initialisation is used.</param>
    public Conv2d(int inChannels, int outChannels, int kernelSize, int stride = 1, int padding = 0, int groups = 1, bool bias = true,
        DType type = DType.Float32, bool normalised = false) : base(type)
    {
        int area = kernelSize * kernelSize;
        Weight = RegisterParameter("weight", [outChannels, kernelSize, kernelSize, inChannels / groups],
            normalised ? Initializer.He(outChannels / groups, area) : Initializer.HeUniform(inChannels / groups * area),
            ParameterLayout.Convolution);
        _bias = bias ? RegisterParameter("bias", [outChannels], Initializer.Zeros) : null;
        (_stride, _padding, _groups, _normalised) = (stride, padding, groups, normalised);
    }

    /// <summary>The weight (out, k, k, in / groups).</summary>
    public Parameter Weight { get; }

    /// <summary>Applies the layer.</summary>
    public override Variable Forward(Variable input) =>
        Variable.Apply(new Kernels.Conv2d(_stride, _padding, _groups), input, Weight, _bias);

    /// <inheritdoc />
    public override Layer Like() => new Conv2d(
        Weight.Shape[3] * _groups, Weight.Shape[0], Weight.Shape[1], _stride, _padding, _groups, _bias is not null, DType, _normalised);

    /// <summary>Convolution, batch norm and optional ReLU, fused into one operator.</summary>
    public Variable Forward(Variable input, BatchNorm2d norm, bool relu) =>
        Variable.Apply(Fused(norm, relu), [input, .. FusedParameters(norm), null]);

    /// <summary>
    /// Convolutions, each with batch norm and ReLU, in sequence, fused as far as the device allows; a residual is added before the last
    /// ReLU.
    /// </summary>
    /// <param name="input">What the first convolution reads.</param>
    /// <param name="residual">Computes the residual; called once, before the last operator.</param>
    /// <param name="layers">Two or three convolutions, each with its batch norm.</param>
    public static Variable Chain(Variable input, Func<Variable> residual, params (Conv2d Conv, BatchNorm2d Norm)[] layers)
    {
        Variable x = input;
        int done = 0;
        foreach ((Operator op, int count) in ConvBatchNormChain.Parts(
            input.Value, [.. layers.Select(layer => layer.Conv.Fused(layer.Norm, relu: true))]))
        {
            Variable[] parameters = [.. layers[done..(done + count)].SelectMany(layer => layer.Conv.FusedParameters(layer.Norm))];
            done += count;
            x = Variable.Apply(op, [x, .. parameters, done == layers.Length ? residual() : null]);
        }
        return x;
    }

    /// <summary>The fused operator of this layer and the batch norm that follows it.</summary>
    private ConvBatchNormReLU Fused(BatchNorm2d norm, bool relu) =>
        new(_stride, _padding, _groups, norm.Eps, norm.Momentum, IsTraining, relu);

    /// <summary>The inputs of the fused operator between the first and the residual.</summary>
    private Variable[] FusedParameters(BatchNorm2d norm) => [Weight, norm.Weight, norm.Bias, norm.RunningMean, norm.RunningVariance];
}
