using CsUnet.Autograd;
using CsUnet.Models.Encoders;
using CsUnet.Nn;
using CsUnet.Tensors;

namespace CsUnet.Models.Networks;

/// <summary>The CNN encoder of CS-UNet: the features of any <see cref="Encoder"/> at strides 4, 8, 16 and 32. Name: cnnEncoder.</summary>
public sealed class CnnEncoder : Module
{
    private static readonly int[] s_strides = [4, 8, 16, 32];

    private readonly int[] _places;

    /// <summary>Creates an encoder with the given options.</summary>
    /// <exception cref="ArgumentException">It does not have features at all of these strides.</exception>
    public CnnEncoder(EncoderOptions options, DType type) : base(type)
    {
        Encoder = Register("cnn_encoder", options.Create(type));
        int[] strides = [.. Encoder.Features.Select(feature => feature.Stride)];
        _places = [.. s_strides.Select(stride => Array.IndexOf(strides, stride))];
        if (_places.Contains(-1))
            throw new InvalidValueException(nameof(options),
                $"encoder {options.Kind} has features of strides {string.Join(", ", strides)}, "
                + $"CS-UNet needs {string.Join(", ", s_strides)}");
        Channels = [.. _places.Select(place => Encoder.Features[place].Channels)];
    }

    /// <summary>The encoder.</summary>
    public Encoder Encoder { get; }

    /// <summary>Channels of the features at strides 4, 8, 16, 32.</summary>
    public IReadOnlyList<int> Channels { get; }

    /// <summary>The features of images (B, H, W, 3) at strides 4, 8, 16, 32.</summary>
    public Variable[] Forward(Variable images)
    {
        Variable[] features = Encoder.Forward(images);
        return [.. _places.Select(place => features[place])];
    }
}
