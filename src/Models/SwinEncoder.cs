using CsUnet.Autograd;
using CsUnet.Kernels;
using CsUnet.Tensors;

namespace CsUnet.Models;

/// <summary>A numbered list of modules, <c>blocks.0</c>, <c>blocks.1</c>, ...</summary>
/// <typeparam name="TModule">Their type.</typeparam>
public sealed class ModuleList<TModule> : Module where TModule : Module
{
    private readonly List<TModule> _items = [];

    /// <summary>A list of the given modules.</summary>
    public ModuleList(IEnumerable<TModule> items, DType type) : base(type)
    {
        foreach (TModule item in items)
            _items.Add(Register(_items.Count.ToString(), item));
    }

    /// <summary>The modules in order.</summary>
    public IReadOnlyList<TModule> Items => _items;
}

/// <summary>Patch embedding: 4x4 convolution of stride 4, then layer norm. (B, H, W, 3) -> (B, H/4, W/4, E).</summary>
public sealed class PatchEmbed : Module
{
    private readonly Conv2dLayer _proj;
    private readonly LayerNormLayer _norm;

    /// <summary>An embedding into <paramref name="embedDim"/> channels.</summary>
    public PatchEmbed(int embedDim, DType type) : base(type)
    {
        _proj = Register("proj", new Conv2dLayer(3, embedDim, kernel: 4, stride: 4, padding: 0, bias: true, type, normalised: false));
        _norm = Register("norm", new LayerNormLayer(embedDim, type));
    }

    /// <summary>Embeds images.</summary>
    public Variable Forward(Variable images) => _norm.Forward(_proj.Forward(images));
}

/// <summary>Patch merging: gather 2x2 tokens, layer norm, linear without bias. (B, H, W, C) -> (B, H/2, W/2, 2C).</summary>
public sealed class PatchMerging : Module
{
    private readonly LinearLayer _reduction;
    private readonly LayerNormLayer _norm;

    /// <summary>A merging of tokens of <paramref name="channels"/> channels.</summary>
    public PatchMerging(int channels, DType type) : base(type)
    {
        _reduction = Register("reduction", new LinearLayer(4 * channels, 2 * channels, bias: false, type));
        _norm = Register("norm", new LayerNormLayer(4 * channels, type));
    }

    /// <summary>Merges tokens.</summary>
    public Variable Forward(Variable input) => _reduction.Forward(_norm.ForwardMerged(input));
}

/// <summary>
/// Patch expanding: linear without bias, pixel shuffle by s, layer norm. (B, H, W, in) -> (B, sH, sW, out); the linear layer has
/// s*s*out outputs.
/// </summary>
public sealed class PatchExpand : Module
{
    private readonly LinearLayer _expand;
    private readonly LayerNormLayer _norm;
    private readonly int _scale;

    /// <summary>An expansion by <paramref name="scale"/> a side.</summary>
    public PatchExpand(int inputs, int outputs, int scale, DType type) : base(type)
    {
        _expand = Register("expand", new LinearLayer(inputs, scale * scale * outputs, bias: false, type));
        _norm = Register("norm", new LayerNormLayer(outputs, type));
        _scale = scale;
    }

    /// <summary>Expands tokens.</summary>
    public Variable Forward(Variable input) => _norm.ForwardShuffled(_expand.Forward(input), _scale);
}

/// <summary>One stage of the Swin encoder: blocks, then patch merging in all but the last. Names: blocks.{j}, downsample.</summary>
public sealed class SwinStage : Module
{
    private readonly ModuleList<SwinBlock> _blocks;
    private readonly PatchMerging? _downsample;

    internal SwinStage(CsUnetOptions options, int stage, ReadOnlyMemory<double> dropPath, DType type) : base(type)
    {
        _blocks = Register("blocks", new ModuleList<SwinBlock>(
            SwinBlocks.Create(options, stage, options.Depths[stage], dropPath, type), type));
        _downsample = stage < 3 ? Register("downsample", new PatchMerging(options.EmbedDim << stage, type)) : null;
    }

    /// <summary>(B, H, W, C) -> (B, H/2, W/2, 2C), or the same shape in the last stage.</summary>
    public Variable Forward(Variable input)
    {
        Variable x = input;
        foreach (SwinBlock block in _blocks.Items)
            x = block.Forward(x);
        return _downsample is null ? x : _downsample.Forward(x);
    }
}

/// <summary>
/// The Swin encoder of CS-UNet: patch embedding, four stages, final layer norm. Its skips are the inputs of the stages:
/// (B, H/4, W/4, E), (B, H/8, W/8, 2E), (B, H/16, W/16, 4E), (B, H/32, W/32, 8E).
/// </summary>
public sealed class SwinEncoder : Module
{
    private readonly PatchEmbed _patchEmbed;
    private readonly ModuleList<SwinStage> _layers;
    private readonly LayerNormLayer _norm;

    /// <summary>An encoder of the given options.</summary>
    public SwinEncoder(CsUnetOptions options, DType type) : base(type)
    {
        double[] dropPath = DropPathRates(options);
        _patchEmbed = Register("patch_embed", new PatchEmbed(options.EmbedDim, type));
        int first = 0;
        _layers = Register("layers", new ModuleList<SwinStage>(Enumerable.Range(0, 4).Select(stage =>
        {
            var layer = new SwinStage(options, stage, dropPath.AsMemory(first, options.Depths[stage]), type);
            first += options.Depths[stage];
            return layer;
        }), type));
        _norm = Register("norm", new LayerNormLayer(options.EmbedDim << 3, type));
    }

    /// <summary>The output (B, H/32, W/32, 8E) and the four skips, of images (B, H, W, 3).</summary>
    public (Variable Output, Variable[] Skips) Forward(Variable images)
    {
        var skips = new Variable[4];
        Variable x = _patchEmbed.Forward(images);
        for (int stage = 0; stage < 4; stage++)
        {
            skips[stage] = x;
            x = _layers.Items[stage].Forward(x);
        }
        return (_norm.Forward(x), skips);
    }

    /// <summary>DropPath probability of every encoder block: linear from 0 to the largest.</summary>
    internal static double[] DropPathRates(CsUnetOptions options)
    {
        int count = options.Depths.Sum();
        return [.. Enumerable.Range(0, count).Select(i => count == 1 ? 0 : options.DropPath * i / (count - 1))];
    }
}
