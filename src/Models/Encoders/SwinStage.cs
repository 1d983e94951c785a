using CsUnet.Autograd;
using CsUnet.Nn;
using CsUnet.Tensors;

namespace CsUnet.Models.Encoders;

/// <summary>One stage of the Swin encoder: blocks, then patch merging in all but the last. Names: blocks.{j}, downsample.</summary>
public sealed class SwinStage : Module
{
    private readonly ModuleList<SwinBlock> _blocks;
    private readonly PatchMerging? _downsample;

    /// <summary>Creates a stage of an encoder.</summary>
    /// <param name="options">The encoder's options.</param>
    /// <param name="stage">The stage, from 0.</param>
    /// <param name="type">Element type.</param>
    public SwinStage(SwinOptions options, int stage, DType type) : base(type)
    {
        _blocks = Register("blocks", new ModuleList<SwinBlock>(options.CreateBlocks(stage, type), type));
        _downsample = stage < options.Depths.Count - 1 ? Register("downsample", new PatchMerging(options.EmbedDim << stage, type)) : null;
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
