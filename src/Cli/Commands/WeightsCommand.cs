using System.CommandLine;
using System.Globalization;
using CsUnet.Tensors;
using CsUnet.Weights;

namespace CsUnet.Cli.Commands;

/// <summary><c>csunet weights</c>: looks into weight files of other programs, and converts them.</summary>
internal static class WeightsCommand
{
    public static Command Create(Terminal terminal) =>
        new("weights", "Looks into weight files of PyTorch, ONNX and others, and converts them.")
        {
            CreateInspect(terminal), CreateConvert(terminal),
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
