using CsUnet.Autograd;
using CsUnet.Models.Encoders;
using CsUnet.Nn;
using CsUnet.Tensors;

namespace CsUnet.Models.Networks;

/// <summary>
/// The decoder: level 0 joins the deepest features and expands them; levels 1 to 3 join with the skips of both encoders, reduce, run Swin
/// blocks like the mirrored encoder stage, and (1, 2) expand; then a x4 expansion and a 1x1 convolution give the logits.
/// </summary>
public sealed class CsUnetDecoder : Module
{
    private readonly ModuleList<Module> _layersUp;
    private readonly ConcatBackDim _concatBackDim;
    private readonly LayerNorm _normUp;
    private readonly PatchExpand _up;
    private readonly Conv2d _output;

    /// <summary>A decoder of the given options.</summary>
    public CsUnetDecoder(CsUnetOptions options, DType type) : base(type)
    {
        int e = options.EmbedDim;
        IReadOnlyList<int> cnn = options.Cnn.Channels;
        double[] dropPath = SwinEncoder.DropPathRates(options);
        _layersUp = Register("layers_up", new ModuleList<Module>(Enumerable.Range(0, 4).Select<int, Module>(level => level == 0
            ? new PatchExpand(8 * e + cnn[3], 4 * e, scale: 2, type)
            : new DecoderLevel(options, 3 - level, dropPath.AsMemory(options.Depths.Take(3 - level).Sum(), options.Depths[3 - level]), type)),
            type));
        _concatBackDim = Register("concat_back_dim", new ConcatBackDim(e, cnn, type));
        _normUp = Register("norm_up", new LayerNorm(e, type));
        _up = Register("up", new PatchExpand(e, e, scale: 4, type));
        _output = Register("output", new Conv2d(e, options.Classes, kernel: 1, stride: 1, padding: 0, bias: false, type, normalised: false));
    }

    /// <summary>Logits (B, H, W, classes).</summary>
    /// <param name="swin">Output of the Swin encoder (B, H/32, W/32, 8E).</param>
    /// <param name="skips">Its skips, at strides 4, 8, 16, 32.</param>
    /// <param name="cnn">Features of the CNN encoder at the same strides.</param>
    public Variable Forward(Variable swin, Variable[] skips, Variable[] cnn)
    {
        Variable x = Variable.Apply(new Kernels.Concat(), swin, cnn[3]);
        x = ((PatchExpand)_layersUp.Items[0]).Forward(x);                                   // (B, H/16, W/16, 4E)
        for (int level = 1; level < 4; level++)
        {
            x = Variable.Apply(new Kernels.Concat(), x, skips[3 - level], cnn[3 - level]);
            x = _concatBackDim.Levels[level - 1].Forward(x);                                // (B, ., ., 8E >> level)
            x = ((DecoderLevel)_layersUp.Items[level]).Forward(x);
        }
        x = _up.Forward(_normUp.Forward(x));                                                // (B, H, W, E)
        return _output.Forward(x);
    }

    /// <summary>The linear layers after the joints, named 1 to 3 as the levels are.</summary>
    private sealed class ConcatBackDim : Module
    {
        public ConcatBackDim(int e, IReadOnlyList<int> cnn, DType type) : base(type) => Levels =
            [.. Enumerable.Range(1, 3).Select(level => Register(level.ToString(),
                new Linear(2 * (8 * e >> level) + cnn[3 - level], 8 * e >> level, bias: true, type)))];

        public Linear[] Levels { get; }
    }

    /// <summary>Swin blocks of one decoder level, then patch expanding in all but the last. Names: blocks.{j}, upsample.</summary>
    private sealed class DecoderLevel : Module
    {
        private readonly ModuleList<SwinBlock> _blocks;
        private readonly PatchExpand? _upsample;

        public DecoderLevel(CsUnetOptions options, int stage, ReadOnlyMemory<double> dropPath, DType type) : base(type)
        {
            int channels = options.EmbedDim << stage;
            _blocks = Register("blocks", new ModuleList<SwinBlock>(
                SwinBlocks.Create(options, stage, options.Depths[stage], dropPath, type), type));
            _upsample = stage > 0 ? Register("upsample", new PatchExpand(channels, channels / 2, scale: 2, type)) : null;
        }

        public Variable Forward(Variable input)
        {
            Variable x = _blocks.Items.Aggregate(input, (tokens, block) => block.Forward(tokens));
            return _upsample is null ? x : _upsample.Forward(x);
        }
    }
}
