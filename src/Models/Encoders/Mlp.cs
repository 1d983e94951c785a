using CsUnet.Autograd;
using CsUnet.Nn;
using CsUnet.Tensors;

namespace CsUnet.Models.Encoders;

/// <summary>The MLP of a Swin block: CS-UNet's residual form fc3(gelu(fc2(gelu(fc1 x)) + x)), or Swin's fc2(gelu(fc1 x)).</summary>
public sealed class Mlp : Module
{
    private readonly Linear _fc1, _fc2;
    private readonly Linear? _fc3;

    /// <summary>An MLP of <paramref name="channels"/> channels and <paramref name="hidden"/> hidden ones.</summary>
    public Mlp(int channels, int hidden, MlpKind kind, DType type) : base(type)
    {
        _fc1 = Register("fc1", new Linear(channels, hidden, bias: true, type));
        _fc2 = Register("fc2", new Linear(hidden, channels, bias: true, type));
        _fc3 = kind == MlpKind.ResMlp ? Register("fc3", new Linear(channels, channels, bias: true, type)) : null;
    }

    /// <summary>(..., C) -> (..., C); residual + DropPath of that if a residual is given.</summary>
    public Variable Forward(Variable input, Variable? residual = null, Kernels.DropPath? dropPath = null)
    {
        Variable?[] inputs = [input, residual, _fc1.Weight, _fc1.Bias, _fc2.Weight, _fc2.Bias];
        return Variable.Apply(new Kernels.GeluMlp(dropPath), _fc3 is null ? inputs : [.. inputs, _fc3.Weight, _fc3.Bias]);
    }
}
