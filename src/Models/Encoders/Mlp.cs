using CsUnet.Autograd;
using CsUnet.Nn;
using CsUnet.Tensors;

namespace CsUnet.Models.Encoders;

/// <summary>The MLP of a Swin block (Liu et al. 2021): fc2(gelu(fc1 x)). (..., C) -> (..., C).</summary>
public class Mlp : Module
{
    private readonly Linear _fc1, _fc2;

    /// <summary>Creates an MLP with <paramref name="channels"/> inputs and outputs and <paramref name="hidden"/> hidden channels.</summary>
    public Mlp(int channels, int hidden, DType type) : base(type)
    {
        _fc1 = Register("fc1", new Linear(channels, hidden, bias: true, type));
        _fc2 = Register("fc2", new Linear(hidden, channels, bias: true, type));
    }

    /// <summary>Creates an MLP of a kind.</summary>
    public static Mlp Create(MlpKind kind, int channels, int hidden, DType type) =>
        kind == MlpKind.ResMlp ? new ResMlp(channels, hidden, type) : new Mlp(channels, hidden, type);

    /// <summary>(..., C) -> (..., C). With a residual: residual + DropPath(mlp(input)).</summary>
    public virtual Variable Forward(Variable input, Variable? residual = null, Kernels.DropPath? dropPath = null) =>
        Variable.Apply(new Kernels.GeluMlp(dropPath), Inputs(input, residual));

    /// <summary>The inputs of the fused operator.</summary>
    private protected Variable?[] Inputs(Variable input, Variable? residual) =>
        [input, residual, _fc1.Weight, _fc1.Bias, _fc2.Weight, _fc2.Bias];
}
