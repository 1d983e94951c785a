using CsUnet.Autograd;
using CsUnet.Nn;
using CsUnet.Tensors;

namespace CsUnet.Models.Encoders;

/// <summary>
/// The Swin encoder of CS-UNet: patch embedding, four stages, final layer norm. Its skip connections are the inputs of the stages: (B, H/4,
/// W/4, E), (B, H/8, W/8, 2E), (B, H/16, W/16, 4E), (B, H/32, W/32, 8E).
/// </summary>
public sealed class SwinEncoder : Module
{
    private readonly PatchEmbed _patchEmbed;
    private readonly ModuleList<SwinStage> _layers;
    private readonly LayerNorm _norm;

    /// <summary>Creates an encoder with the given options.</summary>
    public SwinEncoder(SwinOptions options, DType type) : base(type)
    {
        int stages = options.Depths.Count;
        _patchEmbed = Register("patch_embed", new PatchEmbed(options.EmbedDim, type));
        _layers = Register("layers", new ModuleList<SwinStage>(
            Enumerable.Range(0, stages).Select(stage => new SwinStage(options, stage, type)), type));
        _norm = Register("norm", new LayerNorm(options.EmbedDim << (stages - 1), type));
    }

    /// <summary>For images (B, H, W, 3): the output (B, H/32, W/32, 8E) and the four skip connections.</summary>
    public (Variable Output, Variable[] Skips) Forward(Variable images)
    {
        var skips = new Variable[_layers.Items.Count];
        Variable x = _patchEmbed.Forward(images);
        for (int stage = 0; stage < skips.Length; stage++)
        {
            skips[stage] = x;
            x = _layers.Items[stage].Forward(x);
        }
        return (_norm.Forward(x), skips);
    }
}
