using CsUnet.Autograd;
using CsUnet.Tensors;

namespace CsUnet.Nn;

/// <summary>Layers one after the other; their names are their numbers, <c>0.weight</c>, <c>1.weight</c>, ...</summary>
public sealed class Sequential : Layer
{
    /// <summary>A network of the given layers.</summary>
    /// <exception cref="ArgumentException">A layer has another element type than the first.</exception>
    public Sequential(params Layer[] layers) : base(layers.Length == 0 ? DType.Float32 : layers[0].DType)
    {
        for (int i = 0; i < layers.Length; i++)
        {
            if (layers[i].DType != DType)
                throw new ArgumentException(
                    $"Sequential: layer {i} is of {layers[i].DType.Label()}, expected {DType.Label()} = element type of layer 0", nameof(layers));
            Register(i.ToString(System.Globalization.CultureInfo.InvariantCulture), layers[i]);
        }
        Layers = layers;
    }

    /// <summary>The layers in order.</summary>
    public IReadOnlyList<Layer> Layers { get; }

    /// <summary>A new network with the layers' settings and parameters of its own, not initialised: to be loaded from a file.</summary>
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
