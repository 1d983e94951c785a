using System.Globalization;
using CsUnet.Autograd;
using CsUnet.Kernels;
using CsUnet.Tensors;

namespace CsUnet.Verification;

/// <summary>Golden cases of single operators: each method reads a case's parameters, runs it and compares.</summary>
internal static class GoldenOperators
{
    // PyTorch's label of ignored pixels; the files do not state it.
    private const int TorchIgnoreIndex = -100;

    public static void Linear(GoldenCase golden)
    {
        golden.IsChannelsFirst = false;
        golden.CheckOutputAndGradients(Variable.Apply(
            new Linear(), golden.Input("in.0"), golden.Parameter("weight"), golden.OptionalParameter("bias")));
    }

    public static void LayerNorm(GoldenCase golden)
    {
        golden.IsChannelsFirst = false;
        golden.CheckOutputAndGradients(Variable.Apply(
            new LayerNorm(golden.Number("eps", 1e-5)), golden.Input("in.0"), golden.Parameter("weight"), golden.Parameter("bias")));
    }

    public static void Gelu(GoldenCase golden)
    {
        golden.IsChannelsFirst = false;
        golden.Expect("approximate", "none");
        golden.CheckOutputAndGradients(Variable.Apply(new Activation(ActivationKind.GELU), golden.Input("in.0")));
    }

    public static void Softmax(GoldenCase golden)
    {
        golden.IsChannelsFirst = false;
        Variable input = golden.Input("in.0");
        int axis = golden.Integer("axis", -1);
        if (axis != -1 && axis != input.Shape.Rank - 1)
            throw GoldenCase.Unknown("axis", axis.ToString(CultureInfo.InvariantCulture), "-1, the last");
        golden.CheckOutputAndGradients(Variable.Apply(new Softmax(), input));
    }

    public static void Conv2d(GoldenCase golden)
    {
        Variable weight = golden.Parameter("weight");
        CheckKernel(golden, weight);
        var op = new Conv2d(golden.Integer("stride", 1), golden.Integer("padding", 0), golden.Integer("groups", 1));
        golden.CheckOutputAndGradients(Variable.Apply(op, golden.Input("in.0"), weight, golden.OptionalParameter("bias")));
    }

    public static void BatchNorm(GoldenCase golden)
    {
        bool training = golden.Flag("training");
        Variable weight = golden.Parameter("weight");
        Variable mean = golden.Buffer("running_mean", weight.Shape, training, fresh: 0);
        Variable variance = golden.Buffer("running_var", weight.Shape, training, fresh: 1);
        golden.CheckOutputAndGradients(Variable.Apply(
            new BatchNorm(golden.Number("eps", 1e-5), golden.Number("momentum", 0.1), training),
            golden.Input("in.0"), weight, golden.Parameter("bias"), mean, variance));
        CheckStatistics(golden, "", mean, variance);
    }

    public static void ConvBatchNormReLU(GoldenCase golden)
    {
        bool training = golden.Flag("training");
        Variable weight = golden.Parameter("0.weight"), scale = golden.Parameter("1.weight");
        CheckKernel(golden, weight);
        Variable mean = golden.Buffer("1.running_mean", scale.Shape, training, fresh: 0);
        Variable variance = golden.Buffer("1.running_var", scale.Shape, training, fresh: 1);
        var op = new ConvBatchNormReLU(
            golden.Integer("stride", 1), golden.Integer("padding", 0), golden.Integer("groups", 1),
            golden.Number("eps", 1e-5), golden.Number("momentum", 0.1), training);
        golden.CheckOutputAndGradients(Variable.Apply(
            op, golden.Input("in.0"), weight, scale, golden.Parameter("1.bias"), mean, variance));
        CheckStatistics(golden, "1.", mean, variance);
    }

    public static void MaxPool(GoldenCase golden)
    {
        int kernel = golden.Integer("kernel");
        var op = new MaxPool2d(kernel, golden.Integer("stride", kernel), golden.Integer("padding", 0));
        golden.CheckOutputAndGradients(Variable.Apply(op, golden.Input("in.0")));
    }

    public static void Resize(GoldenCase golden)
    {
        golden.Expect("align_corners", "false");
        ResizeMode mode = golden.Text("mode") switch
        {
            "bilinear" => ResizeMode.Bilinear,
            "bicubic" => ResizeMode.Bicubic,
            "nearest" => ResizeMode.Nearest,
            string text => throw GoldenCase.Unknown("mode", text, "bilinear, bicubic or nearest"),
        };
        Shape output = golden.Load("out").Shape;
        golden.CheckOutputAndGradients(Variable.Apply(new Resize(output[1], output[2], mode), golden.Input("in.0")));
    }

    public static void Losses(GoldenCase golden)
    {
        Tensor labels = golden.Raw("in.labels").To(golden.Device), ignoring = golden.Raw("in.labels_ignored").To(golden.Device);
        Tensor weight = golden.Raw("in.weight");
        double[] weights = [.. Enumerable.Range(0, checked((int)weight.Count)).Select(i => weight[i])];
        CheckLoss(golden, "cross_entropy", new CrossEntropyDice(1, 0), labels);
        CheckLoss(golden, "cross_entropy_weighted", new CrossEntropyDice(1, 0, weights), labels);
        CheckLoss(golden, "cross_entropy_ignore", new CrossEntropyDice(1, 0, IgnoreIndex: TorchIgnoreIndex), ignoring);
        CheckLoss(golden, "dice", new CrossEntropyDice(0, 1, Smooth: golden.Number("dice_smooth", 1e-5)), labels);
    }

    private static void CheckLoss(GoldenCase golden, string name, Operator loss, Tensor labels)
    {
        if (!golden.Has($"out.{name}"))
            return;
        var logits = new Variable(golden.Load("in.logits").To(golden.Device), requiresGradient: true, "in.logits");
        Variable value = Variable.Apply(loss, logits, new Variable(labels)).Keep();
        golden.Check($"out.{name}", value.Value);
        value.Backward();
        golden.Check($"grad.{name}", logits.Gradient!);
    }

    /// <summary>The file states the kernel size in addition to the weight, whose shape must agree.</summary>
    private static void CheckKernel(GoldenCase golden, Variable weight)
    {
        if (weight.Shape.Rank != 4)
            throw new CaseException($"{weight.Name} is {weight.Shape}, expected four dimensions");
        int kernel = golden.Integer("kernel", weight.Shape[1]);
        if (weight.Shape[1] != kernel || weight.Shape[2] != kernel)
            throw new CaseException(
                $"parameter kernel={kernel} contradicts {weight.Name}, {ChannelOrder.First(weight.Shape)} in the file");
    }

    /// <summary>Compares running statistics: updated ones after training, unchanged ones after evaluation.</summary>
    private static void CheckStatistics(GoldenCase golden, string prefix, Variable mean, Variable variance)
    {
        foreach ((string name, Variable buffer) in new[] { ("running_mean", mean), ("running_var", variance) })
            if (golden.Has($"buffer.{prefix}{name}"))
                golden.Check($"buffer.{prefix}{name}", buffer.Value);
    }
}
