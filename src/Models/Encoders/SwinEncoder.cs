using CsUnet.Autograd;
using CsUnet.Models.Networks;
using CsUnet.Nn;
using CsUnet.Tensors;

namespace CsUnet.Models.Encoders;

/// <summary>
/// The Swin encoder of CS-UNet: patch embedding, four stages, final layer norm. Its skips are the inputs of the stages:
/// (B, H/4, W/4, E), (B, H/8, W/8, 2E), (B, H/16, W/16, 4E), (B, H/32, W/32, 8E).
/// </summary>
public sealed class SwinEncoder : Module
{
    private readonly PatchEmbed _patchEmbed;
    private readonly ModuleList<SwinStage> _layers;
    private readonly LayerNorm _norm;

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
        _norm = Register("norm", new LayerNorm(options.EmbedDim << 3, type));
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
