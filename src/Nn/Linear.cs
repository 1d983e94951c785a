using CsUnet.Autograd;
using CsUnet.Kernels;
using CsUnet.Tensors;

namespace CsUnet.Nn;

/// <summary>Linear layer: weight (out, in), optional bias (out). (..., in) -> (..., out).</summary>
public sealed class Linear : Layer
{
    /// <summary>Creates a layer from <paramref name="inputs"/> to <paramref name="outputs"/> channels.</summary>
    public Linear(int inputs, int outputs, bool bias = true, DType type = DType.Float32) : base(type)
    {
        Weight = RegisterParameter("weight", [outputs, inputs], Initializer.TruncatedNormal);
        Bias = bias ? RegisterParameter("bias", [outputs], Initializer.Zeros) : null;
    }

    /// <summary>The weight (out, in).</summary>
    public Parameter Weight { get; }

    /// <summary>The bias (out); null without one.</summary>
    public Parameter? Bias { get; }

    /// <summary>Applies the layer.</summary>
    public override Variable Forward(Variable input) => Variable.Apply(new Kernels.Linear(), input, Weight, Bias);

    /// <inheritdoc />
    public override Layer Like() => new Linear(Weight.Shape[1], Weight.Shape[0], Bias is not null, DType);

    /// <summary>residual + DropPath(layer(input)), the end of a residual branch.</summary>
    public Variable Forward(Variable input, Variable residual, DropPath? dropPath) =>
        Variable.Apply(new Kernels.Linear(dropPath), input, Weight, Bias, residual);
}
