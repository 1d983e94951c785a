using CsUnet.Autograd;
using CsUnet.Nn;
using CsUnet.Tensors;

namespace CsUnet.Models.Networks;

/// <summary>
/// The skip connections of CS-UNet's decoder at levels 1 to 3: concatenates the decoder's tokens, the Swin encoder's tokens and the CNN's
/// features, then a linear layer reduces them to 8E >> level channels. Names: 1, 2, 3.
/// </summary>
public sealed class SkipConcat : Module
{
    private readonly Linear[] _levels;

    /// <summary>Creates the skip connections of a decoder.</summary>
    /// <param name="embedDim">E, the channels of the first Swin stage.</param>
    /// <param name="cnn">Channels of the CNN's features at strides 4, 8, 16, 32.</param>
    /// <param name="type">Element type.</param>
    public SkipConcat(int embedDim, IReadOnlyList<int> cnn, DType type) : base(type) => _levels =
        [.. Enumerable.Range(1, 3).Select(level => Register(level.ToString(),
            new Linear(2 * (8 * embedDim >> level) + cnn[3 - level], 8 * embedDim >> level, bias: true, type)))];

    /// <summary>Three maps (B, H, W, .) -> (B, H, W, 8E >> level).</summary>
    /// <param name="level">1, 2 or 3.</param>
    /// <param name="x">The decoder's tokens.</param>
    /// <param name="swin">The Swin encoder's tokens.</param>
    /// <param name="cnn">The CNN's features.</param>
    public Variable Forward(int level, Variable x, Variable swin, Variable cnn) =>
        _levels[level - 1].Forward(Variable.Apply(new Kernels.Concat(), x, swin, cnn));
}
