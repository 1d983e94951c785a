using CsUnet.Autograd;
using CsUnet.Models.Encoders;
using CsUnet.Models.Networks;
using CsUnet.Nn;

namespace CsUnet.Verification;

/// <summary>Golden cases of the network's modules, by their names in the authors' code.</summary>
internal static class GoldenModules
{
    public static void WindowAttention(GoldenCase golden)
    {
        int window = golden.Integer("window");
        // The file's windows (windows, tokens, C) are images of one window each.
        Variable input = golden.Input("in.0", (window, window));
        var layer = new WindowAttention(input.Shape.Last, window, golden.Integer("heads"), golden.Type);
        golden.Fill(layer);
        golden.CheckOutputAndGradients(layer.Forward(input, shift: 0));
    }

    public static void SwinBlock(GoldenCase golden)
    {
        (int height, int width) = golden.Size("resolution");
        Variable input = golden.Input("in.0", (height, width));
        // Whether the reference padded; the engine pads whenever a window does not fit.
        bool padded = golden.Flag("padded", ifAbsent: false);
        int window = golden.Integer("window"), side = Math.Min(window, Math.Min(height, width));
        if (padded && height % side == 0 && width % side == 0)
            throw new CaseException($"parameter padded=true, but windows of {side} fit {height}x{width} exactly");
        var block = new SwinBlock(
            input.Shape.Last, height, width, window, golden.Integer("heads"), golden.Flag("shifted"),
            golden.Integer("mlp_ratio", 4), Mlp(golden), dropPath: 0, golden.Type);
        golden.Fill(block);
        golden.CheckOutputAndGradients(block.Forward(input));
    }

    public static void PatchEmbed(GoldenCase golden)
    {
        golden.Expect("patch", "4");
        Variable images = golden.Input("in.0");
        var module = new PatchEmbed(golden.Load("out").Shape.Last, golden.Type);
        golden.Fill(module);
        golden.CheckOutputAndGradients(module.Forward(images));
    }

    public static void PatchMerging(GoldenCase golden)
    {
        Variable input = golden.Input("in.0", golden.Size("resolution"));
        var module = new PatchMerging(input.Shape.Last, golden.Type);
        golden.Fill(module);
        golden.CheckOutputAndGradients(module.Forward(input));
    }

    public static void PatchExpand(GoldenCase golden)
    {
        Variable input = golden.Input("in.0", golden.Size("resolution"));
        int scale = golden.Integer("scale");
        if (scale is not (2 or 4))
            throw GoldenCase.Unknown("scale", golden.Text("scale"), "2 or 4");
        var module = new PatchExpand(input.Shape.Last, golden.Load("out").Shape.Last, scale, golden.Type);
        golden.Fill(module);
        golden.CheckOutputAndGradients(module.Forward(input));
    }

    public static void ResidualBlock(GoldenCase golden)
    {
        Variable input = golden.Input("in.0");
        int stride = golden.Integer("stride"), outputs = golden.Load("out").Shape.Last;
        ResidualBlock block = Block(golden, "kind") == ResidualBlockKind.Basic
            ? new BasicBlock(input.Shape.Last, outputs, stride, golden.Type)
            : new BottleneckBlock(input.Shape.Last, outputs / 4, stride, golden.Type);
        block.Train(golden.Flag("training"));
        golden.Fill(block);
        golden.CheckOutputAndGradients(block.Forward(input));
        golden.CheckBuffers(block);
    }

    /// <summary>The parameter <c>mlp</c>.</summary>
    public static MlpKind Mlp(GoldenCase golden) => golden.Text("mlp") switch
    {
        "mlp" => MlpKind.Mlp,
        "resmlp" => MlpKind.ResMlp,
        string text => throw GoldenCase.Unknown("mlp", text, "mlp or resmlp"),
    };

    /// <summary>A parameter that names the residual block.</summary>
    public static ResidualBlockKind Block(GoldenCase golden, string key) => golden.Text(key) switch
    {
        "basic" => ResidualBlockKind.Basic,
        "bottleneck" => ResidualBlockKind.Bottleneck,
        string text => throw GoldenCase.Unknown(key, text, "basic or bottleneck"),
    };
}
