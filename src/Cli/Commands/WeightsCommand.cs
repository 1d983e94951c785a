using System.CommandLine;
using System.Globalization;
using CsUnet.Models.Encoders;
using CsUnet.Tensors;
using CsUnet.Training;
using CsUnet.Weights;

namespace CsUnet.Cli.Commands;

/// <summary><c>csunet weights</c>: looks into weight files of other programs, and converts them.</summary>
internal static class WeightsCommand
{
    // The options that determine the CNN encoder. The classes do not.
    private static readonly string[] s_network = ["model", "encoder", "encoder_width", "encoder_layers"];

    private const int ClassCount = 2;

    public static Command Create(Terminal terminal) =>
        new("weights", "Looks into weight files of PyTorch, ONNX and others, and converts them.")
        {
            CreateInspect(terminal), CreateConvert(terminal), CreateMap(terminal),
        };

    private static Command CreateInspect(Terminal terminal)
    {
        Argument<string> file = File("The weight file.");
        Option<bool> values = Options.Flag("--values", "Also smallest, largest and mean value of each tensor, and its NaN.");
        var command = new Command("inspect", "Lists the tensors of a file: names, types, shapes.") { file, values };
        command.SetAction(result => Inspect(terminal, result.GetValue(file)!, result.GetValue(values)));
        HelpWithExamples.SetNotes(command, """
            Reads safetensors, PyTorch's .pth, .pt and .pth.tar (zip and legacy), and ONNX, by content whatever the name. Nothing
            in a file is run: a pickle that asks for more than data is refused.

            Examples:
              csunet weights inspect resnet50.pth
              csunet weights inspect --values runs/first/best.safetensors
            """);
        return command;
    }

    private static Command CreateConvert(Terminal terminal)
    {
        Argument<string> source = File("The weight file."), target = new("OUT") { Description = "The safetensors file to write." };
        var command = new Command("convert", "Writes the tensors of a file as safetensors, with their names and types.") { source, target };
        command.SetAction(result => Convert(terminal, result.GetValue(source)!, result.GetValue(target)!));
        HelpWithExamples.SetNotes(command, """
            Names are those that inspect lists: relative to the file's state dictionary, without "module.". Numbers and texts
            beside the tensors (epoch, options) become the file's metadata.

            Examples:
              csunet weights convert checkpoint.pth.tar checkpoint.safetensors
            """);
        return command;
    }

    private static Command CreateMap(Terminal terminal)
    {
        Argument<string> file = File("The weight file.");
        (string Key, Option<string?> Option)[] options = [.. s_network.Select(key => TrainingOptionTable.Find(key)).Select(option =>
            (option.Key, Options.Text(
                TrainingArguments.Name(option.Key), option.ValueName, $"{option.Meaning}. Default: {option.Default}.")))];
        var command = new Command("map", "Compares a file with the CNN encoder of a network, for --cnn-weights of csunet train.") { file };
        foreach ((_, Option<string?> option) in options)
            command.Add(option);
        command.SetAction(result => Map(terminal, result.GetValue(file)!,
            [.. options.Where(entry => result.GetValue(entry.Option) is not null)
                .Select(entry => (entry.Key, result.GetValue(entry.Option)!))]));
        HelpWithExamples.SetNotes(command, """
            Lists what a training would load, what it would skip (the classifier), and what does not fit: missing, left over, of
            another shape. The last line says whether the training can start with the file.

            Examples:
              csunet weights map resnet34.pth --model unet
              csunet weights map resnet18.pth --model cs-unet-mini --encoder resnet18
            """);
        return command;
    }

    private static int Map(Terminal terminal, string path, List<(string Key, string Value)> given)
    {
        TrainingOptions options = TrainingArguments.Merge(null, given);
        Encoder encoder;
        try
        {
            encoder = options.ModelOptions(ClassCount).Create().Encoder
                ?? throw new UsageException($"{options.Model} has no CNN encoder", place: "--model");
        }
        catch (InvalidValueException failure)
        {
            throw UsageException.From(failure);
        }
        using WeightFile file = WeightFile.Open(path);
        PretrainedReport report = PretrainedWeights.Map(encoder, file);
        void List(string title, IReadOnlyList<string> names)
        {
            terminal.WriteLine($"{title}: {names.Count}");
            foreach (string name in names)
                terminal.WriteLine($"  {name}");
        }
        string prefix = report.Prefix.Length == 0 ? "" : $", names without '{report.Prefix}'";
        terminal.WriteLine($"{path} ({file.Format}) and the CNN encoder of {options.Model}{prefix}");
        List("loaded", report.Loaded);
        List("skipped", report.Skipped);
        List("missing in the file", report.Missing);
        List("left over", report.LeftOver);
        List("of another shape or type", report.Unfit);
        terminal.WriteLine(report.Fits ? "the training can start with this file" : "the training would refuse this file");
        return ExitCode.Success;
    }

    private static Argument<string> File(string description) => new("FILE") { Description = description };

    private static int Inspect(Terminal terminal, string path, bool withValues)
    {
        using WeightFile file = WeightFile.Open(path);
        string root = file.Root.Length == 0 ? "" : $", names relative to {file.Root}";
        terminal.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{path}: {file.Format}, {ProblemText.Count(file.Tensors.Count, "tensor")}, "
                + $"{file.Tensors.Sum(tensor => tensor.Count):N0} numbers, "
                + $"{ProblemText.Memory(file.Tensors.Sum(tensor => tensor.Bytes))}{root}"));
        int name = file.Tensors.Max(tensor => tensor.Name.Length), shape = file.Tensors.Max(tensor => tensor.Shape.ToString().Length);
        foreach (WeightTensor tensor in file.Tensors)
        {
            string line = $"  {tensor.Name.PadRight(name)}  {tensor.DType,-4}  {tensor.Shape.ToString().PadRight(shape)}";
            terminal.WriteLine((withValues ? $"{line}  {Values(tensor)}" : line).TrimEnd());
        }
        foreach ((string key, string value) in file.Metadata)
            terminal.WriteLine($"  {key} = {value}");
        return ExitCode.Success;
    }

    private static string Values(WeightTensor tensor)
    {
        if (tensor.Count == 0)
            return "empty";
        ReadOnlySpan<double> values = tensor.Load(DType.Float64).AsSpan<double>();
        double smallest = double.PositiveInfinity, largest = double.NegativeInfinity, sum = 0;
        long finite = 0;
        foreach (double value in values)
        {
            if (!double.IsFinite(value))
                continue;
            (smallest, largest, sum, finite) = (Math.Min(smallest, value), Math.Max(largest, value), sum + value, finite + 1);
        }
        string text = finite == 0 ? "no finite value" : string.Create(CultureInfo.InvariantCulture,
            $"{smallest:G4} to {largest:G4}, mean {sum / finite:G4}");
        return finite == values.Length
            ? text
            : string.Create(CultureInfo.InvariantCulture, $"{text}, {values.Length - finite} NaN or infinite");
    }

    private static int Convert(Terminal terminal, string source, string target)
    {
        if (Path.GetFullPath(source) == Path.GetFullPath(target))
            throw new UsageException("source and target are one file", place: target, remedy: "give another name for the result");
        using WeightFile file = WeightFile.Open(source);
        SafetensorsFile.WriteRaw(target, file.Tensors.Select(tensor =>
            new SafetensorsSource(tensor.Name, tensor.DType, tensor.Shape, stream => stream.Write(tensor.ReadBytes()))), file.Metadata);
        terminal.WriteLine($"{target}: {ProblemText.Count(file.Tensors.Count, "tensor")} of {source} ({file.Format})");
        return ExitCode.Success;
    }
}
