using System.Globalization;
using System.Text.RegularExpressions;
using CsUnet.Autograd;
using CsUnet.Models.Encoders;
using CsUnet.Models.Networks;
using CsUnet.Nn;
using CsUnet.Tensors;

namespace CsUnet.Verification;

/// <summary>
/// Golden cases of the whole network: one pass in training or evaluation mode, or several optimiser steps. Inputs that a file does
/// not store follow from <see cref="Formula"/> and the file's name.
/// </summary>
internal static partial class NetworkCases
{
    private const string EvaluationSuffix = "_eval";

    public static void Run(GoldenCase golden)
    {
        CsUnetModel model = Model(golden);
        bool training = golden.Flag("training");
        model.Train(training);
        golden.Fill(model);
        if (golden.HasKey("steps"))
            TrainSteps(golden, model);
        else if (golden.Has("in.0"))
            StoredInput(golden, model);
        else
            FormulaInput(golden, model, training);
    }

    private static CsUnetModel Model(GoldenCase golden)
    {
        (int height, int width) = golden.Size("size");
        return new CsUnetModel(new CsUnetOptions
        {
            Height = height,
            Width = width,
            Classes = golden.Integer("classes"),
            EmbedDim = golden.Integer("embed"),
            Depths = golden.Integers("depths"),
            Heads = golden.Integers("heads"),
            Window = golden.Integer("window"),
            Mlp = GoldenModules.Mlp(golden),
            MlpRatio = golden.Integer("mlp_ratio", 4),
            DropPath = 0,
            Cnn = new ResNetOptions(GoldenModules.Block(golden, "cnn"), golden.Integers("cnn_layers"), golden.Integer("cnn_width")),
        }, golden.Type);
    }

    private static void StoredInput(GoldenCase golden, CsUnetModel model)
    {
        Variable images = golden.Input("in.0");
        if (golden.Has("cotangent"))
        {
            golden.CheckOutputAndGradients(model.Forward(images));
        }
        else
        {
            using NoGrad scope = NoGrad.Begin();
            golden.CheckOutputAndGradients(model.Forward(images));
        }
        golden.CheckBuffers(model);
    }

    private static void FormulaInput(GoldenCase golden, CsUnetModel model, bool training)
    {
        // Evaluation follows the training pass of the file without the suffix, and uses that file's input.
        string name = !training && golden.Name.EndsWith(EvaluationSuffix, StringComparison.Ordinal)
            ? golden.Name[..^EvaluationSuffix.Length]
            : golden.Name;
        Tensor images = ChannelOrder.ToLast(Formula.Input($"{name}.x", [1, 3, model.Height, model.Width], golden.Type)).To(golden.Device);
        if (!training)
        {
            using NoGrad scope = NoGrad.Begin();
            model.Train();
            model.Forward(new Variable(images));
            model.Eval();
            golden.Check("out.logits_eval", model.Forward(new Variable(images)).Value);
            return;
        }
        golden.CheckInteger("out.parameter_count", model.ParameterCount);
        Variable logits = model.Forward(new Variable(images)).Keep();
        golden.Check("out.logits_train", logits.Value);
        Tensor cotangent = Formula.Input($"{name}.cotangent", [1, model.Classes, model.Height, model.Width], golden.Type);
        logits.Backward(ChannelOrder.ToLast(cotangent).To(golden.Device));
        golden.CheckGradients();
        golden.CheckBuffers(model);
    }

    [GeneratedRegex(@"^(?<ce>[0-9.]+)\*ce\+(?<dice>[0-9.]+)\*dice$")]
    private static partial Regex LossFormula();

    private static void TrainSteps(GoldenCase golden, CsUnetModel model)
    {
        golden.Expect("optimizer", "adamw");
        string loss = golden.Text("loss");
        Match formula = LossFormula().Match(loss);
        if (!formula.Success)
            throw GoldenCase.Unknown("loss", loss, "A*ce+B*dice");
        double[] weights =
            [.. new[] { "ce", "dice" }.Select(term => double.Parse(formula.Groups[term].Value, CultureInfo.InvariantCulture))];
        var both = new SegmentationLoss(weights[0], weights[1]);
        var optimizer = new AdamW(model) { LearningRate = golden.Number("lr"), WeightDecay = golden.Number("weight_decay") };
        Tensor images = golden.Load("in.x").To(golden.Device), labels = golden.Raw("in.y").To(golden.Device);
        int steps = golden.Integer("steps");
        Tensor losses = Tensor.Empty([steps], DType.Float64);
        for (int step = 0; step < steps; step++)
        {
            using StepArena.StepScope scope = StepArena.Current!.BeginStep();
            TrainingPass pass = TrainingPass.Run(model, both, images, labels, seed: 0, (uint)step);
            pass.Loss.Backward();
            losses[step] = pass.Loss.Value.To(Device.Cpu)[0];
            optimizer.Step();
        }
        golden.Check("out.losses", losses);
        using NoGrad evaluation = NoGrad.Begin();
        model.Eval();
        golden.Check("out.logits_eval", model.Forward(new Variable(images)).Value);
    }
}
