using CsUnet.Autograd;
using CsUnet.Kernels;
using CsUnet.Tensors;

namespace CsUnet.Nn;

/// <summary>Batch norm over C channels, with weight, bias, and the running statistics as buffers.</summary>
public sealed class BatchNorm2d : Layer
{
    /// <summary>Creates a layer over <paramref name="channels"/> channels.</summary>
    public BatchNorm2d(int channels, DType type = DType.Float32, double eps = 1e-5, double momentum = 0.1) : base(type)
    {
        Weight = RegisterParameter("weight", [channels], Initializer.Ones);
        Bias = RegisterParameter("bias", [channels], Initializer.Zeros);
        RunningMean = RegisterBuffer("running_mean", [channels], 0);
        RunningVariance = RegisterBuffer("running_var", [channels], 1);
        (Eps, Momentum) = (eps, momentum);
    }

    /// <summary>Added to the variance.</summary>
    public double Eps { get; }

    /// <summary>Weight of a batch in the running statistics.</summary>
    public double Momentum { get; }

    /// <summary>Scale (C).</summary>
    public Parameter Weight { get; }

    /// <summary>Shift (C).</summary>
    public Parameter Bias { get; }

    /// <summary>Running mean (C).</summary>
    public Variable RunningMean { get; }

    /// <summary>Running variance (C), unbiased.</summary>
    public Variable RunningVariance { get; }

    /// <summary>Applies the layer on its own. After a convolution, use the fused form of the convolution instead.</summary>
    public override Variable Forward(Variable input) => Variable.Apply(
        new BatchNorm(Eps, Momentum, IsTraining), input, Weight, Bias, RunningMean, RunningVariance);

    /// <inheritdoc />
    public override Layer Like() => new BatchNorm2d(Weight.Shape[0], DType, Eps, Momentum);
}
