using CsUnet.Autograd;
using CsUnet.Nn;
using CsUnet.Tensors;

namespace CsUnet.Models.Encoders;

/// <summary>CS-UNet's residual MLP: fc3(gelu(fc2(gelu(fc1 x)) + x)). (..., C) -> (..., C).</summary>
public sealed class ResMlp : Mlp
{
    private readonly Linear _fc3;

    /// <summary>Creates an MLP with <paramref name="channels"/> inputs and outputs and <paramref name="hidden"/> hidden channels.</summary>
    public ResMlp(int channels, int hidden, DType type) : base(channels, hidden, type) =>
        _fc3 = Register("fc3", new Linear(channels, channels, bias: true, type));

    /// <inheritdoc />
    public override Variable Forward(Variable input, Variable? residual = null, Kernels.DropPath? dropPath = null) =>
        Variable.Apply(new Kernels.GeluMlp(dropPath), [.. Inputs(input, residual), _fc3.Weight, _fc3.Bias]);
}
