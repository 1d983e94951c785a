using CsUnet.Autograd;
using CsUnet.Tensors;

namespace CsUnet.Nn;

/// <summary>Applies layers in sequence. Their names are their numbers: <c>0.weight</c>, <c>1.weight</c>, ...</summary>
public sealed class Sequential : Layer
{
    /// <summary>Creates a network of the given layers.</summary>
    /// <exception cref="ArgumentException">The layers have different element types.</exception>
    public Sequential(params Layer[] layers) : base(layers.Length == 0 ? DType.Float32 : layers[0].DType)
    {
        for (int i = 0; i < layers.Length; i++)
        {
            if (layers[i].DType != DType)
                throw new ArgumentException(
                    $"Sequential: layer {i} is of {layers[i].DType.Label()}, expected {DType.Label()} = element type of layer 0",
                    nameof(layers));
            Register(i.ToString(System.Globalization.CultureInfo.InvariantCulture), layers[i]);
        }
        Layers = layers;
    }

    /// <summary>The layers in order.</summary>
    public IReadOnlyList<Layer> Layers { get; }

    /// <summary>
    /// Creates a network with the same settings and its own parameters, which are not initialised: load them from a file.
    /// </summary>
    public static Sequential Like(Sequential network) => new([.. network.Layers.Select(layer => layer.Like())]);

    /// <inheritdoc />
    public override Layer Like() => Like(this);

    /// <inheritdoc />
    public override Variable Forward(Variable input)
    {
        foreach (Layer layer in Layers)
            input = layer.Forward(input);
        return input;
    }
}
