using CsUnet.Autograd;
using CsUnet.Kernels;
using CsUnet.Tensors;

namespace CsUnet.Models;

/// <summary>Linear layer: weight (out, in), optional bias (out). (..., in) -> (..., out).</summary>
public sealed class LinearLayer : Module
{
    /// <summary>A layer from <paramref name="inputs"/> to <paramref name="outputs"/> channels.</summary>
    public LinearLayer(int inputs, int outputs, bool bias, DType type) : base(type)
    {
        Weight = RegisterParameter("weight", [outputs, inputs], Initializer.TruncatedNormal);
        Bias = bias ? RegisterParameter("bias", [outputs], Initializer.Zeros) : null;
    }

    /// <summary>The weight (out, in).</summary>
    public Parameter Weight { get; }

    /// <summary>The bias (out), if there is one.</summary>
    public Parameter? Bias { get; }

    /// <summary>Applies the layer.</summary>
    public Variable Forward(Variable input) => Variable.Apply(new Linear(), input, Weight, Bias);

    /// <summary>residual + DropPath(layer(input)), the end of a residual branch.</summary>
    public Variable Forward(Variable input, Variable residual, DropPath? dropPath) =>
        Variable.Apply(new Linear(dropPath), input, Weight, Bias, residual);
}

/// <summary>Layer norm over C channels, eps 1e-5.</summary>
public sealed class LayerNormLayer : Module
{
    private readonly Parameter _weight, _bias;

    /// <summary>A layer over <paramref name="channels"/> channels.</summary>
    public LayerNormLayer(int channels, DType type) : base(type)
    {
        _weight = RegisterParameter("weight", [channels], Initializer.Ones);
        _bias = RegisterParameter("bias", [channels], Initializer.Zeros);
    }

    /// <summary>Applies the layer.</summary>
    public Variable Forward(Variable input) => Variable.Apply(new LayerNorm(), input, _weight, _bias);

    /// <summary>Gathers 2x2 tokens, then applies the layer: (B, H, W, C/4) -> (B, H/2, W/2, C).</summary>
    public Variable ForwardMerged(Variable input) => Variable.Apply(new PatchMergeNorm(), input, _weight, _bias);

    /// <summary>Shuffles channels into pixels, then applies the layer: (B, H, W, s*s*C) -> (B, s*H, s*W, C).</summary>
    public Variable ForwardShuffled(Variable input, int scale) => Variable.Apply(new PixelShuffleNorm(scale), input, _weight, _bias);
}

/// <summary>Convolution: weight (out, k, k, in / groups) in memory, OIHW in files. (B, H, W, in) -> (B, H', W', out).</summary>
public sealed class Conv2dLayer : Module
{
    private readonly Parameter? _bias;
    private readonly int _stride, _padding, _groups;

    /// <summary>A layer with a square kernel.</summary>
    /// <param name="inputs">Input channels.</param>
    /// <param name="outputs">Output channels.</param>
    /// <param name="kernel">Side of the kernel.</param>
    /// <param name="stride">Step.</param>
    /// <param name="padding">Zeros around the image.</param>
    /// <param name="bias">Whether a bias is added.</param>
    /// <param name="type">Element type.</param>
    /// <param name="groups">Groups of channels.</param>
    /// <param name="normalised">Whether batch norm follows, which makes He's fan-out initialisation the right one.</param>
    public Conv2dLayer(
        int inputs, int outputs, int kernel, int stride, int padding, bool bias, DType type, int groups = 1, bool normalised = true)
        : base(type)
    {
        int area = kernel * kernel;
        Weight = RegisterParameter("weight", [outputs, kernel, kernel, inputs / groups],
            normalised ? Initializer.He(outputs / groups, area) : Initializer.HeUniform(inputs / groups * area));
        _bias = bias ? RegisterParameter("bias", [outputs], Initializer.Zeros) : null;
        (_stride, _padding, _groups) = (stride, padding, groups);
    }

    /// <summary>The weight (out, k, k, in / groups).</summary>
    public Parameter Weight { get; }

    /// <summary>Applies the layer.</summary>
    public Variable Forward(Variable input) => Variable.Apply(new Conv2d(_stride, _padding, _groups), input, Weight, _bias);

    /// <summary>Convolution, batch norm, optional residual and optional ReLU as one operator.</summary>
    public Variable Forward(Variable input, BatchNormLayer norm, bool relu, Variable? residual = null) =>
        Variable.Apply(Fused(norm, relu), [input, .. Parameters(norm), residual]);

    /// <summary>The operator of this layer and the batch norm that follows.</summary>
    internal ConvBatchNormReLU Fused(BatchNormLayer norm, bool relu) =>
        new(_stride, _padding, _groups, norm.Eps, norm.Momentum, IsTraining, relu);

    /// <summary>The operator's inputs after the first.</summary>
    internal Variable[] Parameters(BatchNormLayer norm) => [Weight, norm.Weight, norm.Bias, norm.RunningMean, norm.RunningVariance];
}

/// <summary>Batch norm over C channels: weight, bias, and the running statistics as buffers.</summary>
public sealed class BatchNormLayer : Module
{
    /// <summary>A layer over <paramref name="channels"/> channels.</summary>
    public BatchNormLayer(int channels, DType type, double eps = 1e-5, double momentum = 0.1) : base(type)
    {
        Weight = RegisterParameter("weight", [channels], Initializer.Ones);
        Bias = RegisterParameter("bias", [channels], Initializer.Zeros);
        RunningMean = RegisterBuffer("running_mean", [channels], 0);
        RunningVariance = RegisterBuffer("running_var", [channels], 1);
        (Eps, Momentum) = (eps, momentum);
    }

    /// <summary>Added to the variance.</summary>
    public double Eps { get; }

    /// <summary>Share of a batch in the running statistics.</summary>
    public double Momentum { get; }

    /// <summary>Scale (C).</summary>
    public Parameter Weight { get; }

    /// <summary>Shift (C).</summary>
    public Parameter Bias { get; }

    /// <summary>Running mean (C).</summary>
    public Variable RunningMean { get; }

    /// <summary>Running variance (C), unbiased.</summary>
    public Variable RunningVariance { get; }

    /// <summary>Applies the layer on its own; after a convolution use the convolution's fused form.</summary>
    public Variable Forward(Variable input) => Variable.Apply(
        new BatchNorm(Eps, Momentum, IsTraining), input, Weight, Bias, RunningMean, RunningVariance);
}
