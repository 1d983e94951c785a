using CsUnet.Autograd;
using CsUnet.Kernels;
using CsUnet.Tensors;

namespace CsUnet.Nn;

/// <summary>Convolution: weight (out, k, k, in / groups) in memory, OIHW in files. (B, H, W, in) -> (B, H', W', out).</summary>
public sealed class Conv2d : Layer
{
    private readonly Parameter? _bias;
    private readonly int _stride, _padding, _groups;

    /// <summary>Creates a layer with a square kernel, initialised like PyTorch's.</summary>
    /// <param name="inChannels">Input channels.</param>
    /// <param name="outChannels">Output channels.</param>
    /// <param name="kernelSize">Side of the kernel.</param>
    /// <param name="stride">Stride of the kernel.</param>
    /// <param name="padding">Rows and columns of zeros around the image.</param>
    /// <param name="groups">Groups of channels.</param>
    /// <param name="bias">Whether a bias is added.</param>
    /// <param name="type">Element type.</param>
    public Conv2d(int inChannels, int outChannels, int kernelSize, int stride = 1, int padding = 0, int groups = 1, bool bias = true,
        DType type = DType.Float32) : this(inChannels, outChannels, kernelSize, stride, padding, bias, type, groups, normalised: false)
    {
    }

    /// <summary>Creates a layer with a square kernel.</summary>
    /// <param name="inputs">Input channels.</param>
    /// <param name="outputs">Output channels.</param>
    /// <param name="kernel">Side of the kernel.</param>
    /// <param name="stride">Stride of the kernel.</param>
    /// <param name="padding">Rows and columns of zeros around the image.</param>
    /// <param name="bias">Whether a bias is added.</param>
    /// <param name="type">Element type.</param>
    /// <param name="groups">Groups of channels.</param>
    /// <param name="normalised">Whether batch norm follows; then He's fan-out initialisation is used.</param>
    internal Conv2d(
        int inputs, int outputs, int kernel, int stride, int padding, bool bias, DType type, int groups = 1, bool normalised = true)
        : base(type)
    {
        int area = kernel * kernel;
        Weight = RegisterParameter("weight", [outputs, kernel, kernel, inputs / groups],
            normalised ? Initializer.He(outputs / groups, area) : Initializer.HeUniform(inputs / groups * area),
            ParameterLayout.Convolution);
        _bias = bias ? RegisterParameter("bias", [outputs], Initializer.Zeros) : null;
        (_stride, _padding, _groups) = (stride, padding, groups);
    }

    /// <summary>The weight (out, k, k, in / groups).</summary>
    public Parameter Weight { get; }

    /// <summary>Applies the layer.</summary>
    public override Variable Forward(Variable input) =>
        Variable.Apply(new Kernels.Conv2d(_stride, _padding, _groups), input, Weight, _bias);

    /// <inheritdoc />
    public override Layer Like() =>
        new Conv2d(Weight.Shape[3] * _groups, Weight.Shape[0], Weight.Shape[1], _stride, _padding, _groups, _bias is not null, DType);

    /// <summary>Convolution, batch norm, optional residual and optional ReLU, fused into one operator.</summary>
    public Variable Forward(Variable input, BatchNorm2d norm, bool relu, Variable? residual = null) =>
        Variable.Apply(Fused(norm, relu), [input, .. Parameters(norm), residual]);

    /// <summary>The fused operator of this layer and the batch norm that follows it.</summary>
    internal ConvBatchNormReLU Fused(BatchNorm2d norm, bool relu) =>
        new(_stride, _padding, _groups, norm.Eps, norm.Momentum, IsTraining, relu);

    /// <summary>The inputs of the fused operator after the first.</summary>
    internal Variable[] Parameters(BatchNorm2d norm) => [Weight, norm.Weight, norm.Bias, norm.RunningMean, norm.RunningVariance];
}
