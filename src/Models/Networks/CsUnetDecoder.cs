using CsUnet.Autograd;
using CsUnet.Models.Encoders;
using CsUnet.Nn;
using CsUnet.Tensors;

namespace CsUnet.Models.Networks;

/// <summary>
/// The decoder. Level 0 concatenates the deepest features and expands them. Levels 1 to 3 concatenate the skip connections of both
/// encoders, reduce the channels, run Swin blocks like the mirrored encoder stage, and (levels 1 and 2) expand. Then a x4 expansion and a
/// 1x1 convolution compute the logits.
/// </summary>
public sealed class CsUnetDecoder : Module
{
    private readonly ModuleList<Module> _layersUp;
    private readonly SkipConcat _concatBackDim;
    private readonly LayerNorm _normUp;
    private readonly PatchExpand _up;
    private readonly Conv2d _output;

    /// <summary>Creates a decoder.</summary>
    /// <param name="options">The options of the Swin encoder that it mirrors.</param>
    /// <param name="cnn">Channels of the CNN's features at strides 4, 8, 16, 32.</param>
    /// <param name="classes">Number of classes.</param>
    /// <param name="type">Element type.</param>
    public CsUnetDecoder(SwinOptions options, IReadOnlyList<int> cnn, int classes, DType type) : base(type)
    {
        int e = options.EmbedDim;
        _layersUp = Register("layers_up", new ModuleList<Module>(Enumerable.Range(0, 4).Select<int, Module>(level => level == 0
            ? new PatchExpand(8 * e + cnn[3], 4 * e, scale: 2, type)
            : new DecoderLevel(options, 3 - level, type)), type));
        _concatBackDim = Register("concat_back_dim", new SkipConcat(e, cnn, type));
        _normUp = Register("norm_up", new LayerNorm(e, type));
        _up = Register("up", new PatchExpand(e, e, scale: 4, type));
        _output = Register("output", new Conv2d(e, classes, 1, bias: false, type: type));
    }

    /// <summary>Logits (B, H, W, classes).</summary>
    /// <param name="swin">Output of the Swin encoder (B, H/32, W/32, 8E).</param>
    /// <param name="skips">Its skip connections, at strides 4, 8, 16, 32.</param>
    /// <param name="cnn">Features of the CNN encoder at the same strides.</param>
    public Variable Forward(Variable swin, Variable[] skips, Variable[] cnn)
    {
        Variable x = Variable.Apply(new Kernels.Concat(), swin, cnn[3]);
        x = ((PatchExpand)_layersUp.Items[0]).Forward(x);                                   // (B, H/16, W/16, 4E)
        for (int level = 1; level < 4; level++)
        {
            x = _concatBackDim.Forward(level, x, skips[3 - level], cnn[3 - level]);         // (B, ., ., 8E >> level)
            x = ((DecoderLevel)_layersUp.Items[level]).Forward(x);
        }
        x = _up.Forward(_normUp.Forward(x));                                                // (B, H, W, E)
        return _output.Forward(x);
    }

    /// <summary>The Swin blocks of one decoder level, then patch expanding except in the last level. Names: blocks.{j}, upsample.</summary>
    private sealed class DecoderLevel : Module
    {
        private readonly ModuleList<SwinBlock> _blocks;
        private readonly PatchExpand? _upsample;

        public DecoderLevel(SwinOptions options, int stage, DType type) : base(type)
        {
            int channels = options.EmbedDim << stage;
            _blocks = Register("blocks", new ModuleList<SwinBlock>(options.CreateBlocks(stage, type), type));
            _upsample = stage > 0 ? Register("upsample", new PatchExpand(channels, channels / 2, scale: 2, type)) : null;
        }

        public Variable Forward(Variable input)
        {
            Variable x = _blocks.Items.Aggregate(input, (tokens, block) => block.Forward(tokens));
            return _upsample is null ? x : _upsample.Forward(x);
        }
    }
}
