using CsUnet.Autograd;
using CsUnet.Kernels;
using CsUnet.Tensors;

namespace CsUnet.Nn;

/// <summary>Linear layer: weight (out, in), optional bias (out). (..., in) -> (..., out).</summary>
public sealed class Linear : Module
{
    /// <summary>A layer from <paramref name="inputs"/> to <paramref name="outputs"/> channels.</summary>
    public Linear(int inputs, int outputs, bool bias, DType type) : base(type)
    {
        Weight = RegisterParameter("weight", [outputs, inputs], Initializer.TruncatedNormal);
        Bias = bias ? RegisterParameter("bias", [outputs], Initializer.Zeros) : null;
    }

    /// <summary>The weight (out, in).</summary>
    public Parameter Weight { get; }

    /// <summary>The bias (out), if there is one.</summary>
    public Parameter? Bias { get; }

    /// <summary>Applies the layer.</summary>
    public Variable Forward(Variable input) => Variable.Apply(new Kernels.Linear(), input, Weight, Bias);

    /// <summary>residual + DropPath(layer(input)), the end of a residual branch.</summary>
    public Variable Forward(Variable input, Variable residual, DropPath? dropPath) =>
        Variable.Apply(new Kernels.Linear(dropPath), input, Weight, Bias, residual);
}
