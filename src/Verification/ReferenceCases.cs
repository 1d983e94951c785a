using System.Globalization;
using CsUnet.Autograd;
using CsUnet.Models.Encoders;
using CsUnet.Models.Networks;
using CsUnet.Nn;
using CsUnet.Tensors;

namespace CsUnet.Verification;

/// <summary>
/// Reference cases of encoders and networks: norms and samples of outputs and gradients that public implementations computed in float64.
/// Parameters, inputs and cotangents follow from <see cref="Formula"/>. A case in evaluation mode has the running statistics of one forward
/// pass in training mode, and gradients too.
/// </summary>
internal static class ReferenceCases
{
    private const string EvaluationSuffix = "_eval";

    /// <summary>What runs a reference case, by the value of <c>op</c> in a file's metadata.</summary>
    public static IReadOnlyDictionary<string, Action<GoldenCase>> Runners { get; } =
        new Dictionary<string, Action<GoldenCase>>(StringComparer.Ordinal)
    {
        ["classification"] = golden => throw GoldenCase.Unknown("model", golden.Text("model"), "none: there is no classifier"),
        ["encoder"] = Encoder,
        ["segmentation"] = Segmentation,
    };

    /// <summary>
    /// The network or encoder of a file that the engine does not have; null if it has it, or the file is no reference case.
    /// </summary>
    public static string? Missing(SafetensorsFile file)
    {
        string Value(string key) => file.Metadata.GetValueOrDefault(key, "");
        string? encoder = file.Metadata.GetValueOrDefault("encoder");
        return Value("op") switch
        {
            "classification" => $"classifier {Value("model")}",
            "segmentation" when !SegmentationModels.Names.Contains(Value("model")) => $"network {Value("model")}",
            "segmentation" or "encoder" when encoder is not null && !Encoders.Names.Contains(encoder) => $"encoder {encoder}",
            _ => null,
        };
    }

    private static void Encoder(GoldenCase golden)
    {
        Encoder encoder = Encoders.Named(golden.Text("encoder")).Create(golden.Type);
        // f1, at stride 2, has no reference.
        Run(golden, encoder, images => [.. encoder.Forward(images).Select((feature, i) => ($"f{i + 1}", feature)).Skip(1)]);
    }

    private static void Segmentation(GoldenCase golden)
    {
        Shape input = InputShape(golden);
        var settings = new NetworkSettings { Encoder = golden.HasKey("encoder") ? golden.Text("encoder") : null };
        SegmentationModel model = SegmentationModels.Named(golden.Text("model"))
            .With(input[2], input[3], golden.Integer("classes"), settings).Create(golden.Type);
        Run(golden, model, images => [("out", model.Forward(images))]);
    }

    private static void Run(GoldenCase golden, Module module, Func<Variable, IReadOnlyList<(string Name, Variable Value)>> forward)
    {
        bool training = golden.Flag("training");
        string name = !training && golden.Name.EndsWith(EvaluationSuffix, StringComparison.Ordinal)
            ? golden.Name[..^EvaluationSuffix.Length]
            : golden.Name;
        golden.Fill(module);
        if (golden.Text("parameters") is var count && count != module.ParameterCount.ToString(CultureInfo.InvariantCulture))
            throw GoldenCase.Unknown("parameters", count, $"{module.ParameterCount}, the engine's number");
        Variable images = golden.Leaf("in.0", ChannelOrder.ToLast(Formula.Input($"{name}.x", InputShape(golden), golden.Type)));
        module.Train();
        if (!training)
        {
            using NoGrad scope = NoGrad.Begin();
            forward(images);
            module.Eval();
        }
        IReadOnlyList<(string Name, Variable Value)> outputs = forward(images);
        string shapes = string.Join(';', outputs.Select(output =>
            $"{output.Name}={ChannelOrder.First(output.Value.Shape).ToString().Trim('(', ')')}"));
        if (golden.Text("shapes") is var expected && expected != shapes)
            throw GoldenCase.Unknown("shapes", expected, $"{shapes}, the engine's");
        foreach ((string output, Variable value) in outputs)
            golden.CheckSummary(output, value.Keep().Value);
        // Outputs of several shapes as one row: the graph is differentiated once.
        Variable row = Variable.Apply(new Kernels.Concat(), [.. outputs.Select(output => Flat(output.Value))]);
        row.Backward(Joined([.. outputs.Select(output => ChannelOrder.ToLast(
            Formula.Input($"{name}.cotangent.{output.Name}", ChannelOrder.First(output.Value.Shape), golden.Type)))]).To(golden.Device));
        golden.CheckGradients();
    }

    private static Shape InputShape(GoldenCase golden) => new(golden.Integers("input"));

    private static Variable Flat(Variable output) => Variable.Apply(new Kernels.Reshape([1, checked((int)output.Value.Count)]), output);

    private static Tensor Joined(IReadOnlyList<Tensor> parts)
    {
        Tensor row = Tensor.Empty([1, checked((int)parts.Sum(part => part.Count))], parts[0].DType);
        long at = 0;
        foreach (Tensor part in parts)
            for (long i = 0; i < part.Count; i++)
                row[at++] = part[i];
        return row;
    }
}
