using System.CommandLine;
using System.Globalization;
using System.Text;
using CsUnet.Cli.Display;
using CsUnet.Cuda;
using CsUnet.Data;
using CsUnet.Tensors;
using CsUnet.Training;

namespace CsUnet.Cli.Commands;

/// <summary><c>csunet predict</c>: writes label maps, overlays and area fractions for images of any size.</summary>
internal static class PredictCommand
{
    public const string DefaultOutput = "predictions";

    private const string SmallerImages = "cut it into smaller images";

    private const string LabelSuffix = "_label.png", OverlaySuffix = "_overlay.png", FractionsName = FractionsFile.Name;

    public static Command Create(Terminal terminal)
    {
        var files = new Argument<string[]>("FILE_OR_DIR")
        {
            Arity = ArgumentArity.OneOrMore, Description = "Images (TIFF, PNG, JPEG; grey or colour, 8 or 16 bit), or folders of images.",
        };
        var shared = new RunOptions();
        Option<string?> output = Options.OutputFolder("--out", "DIR", $"Folder for the results. Default: {DefaultOutput}.");
        Option<DataBarChoice?> dataBar = DataBarChoice.CreateOption();
        var command = new Command("predict", "Labels images with a trained network: label maps, colour overlays, area fractions.");
        command.Add(files);
        shared.AddTo(command, output, dataBar);
        command.SetAction(result => Run(terminal, shared, result, result.GetValue(files)!, result.GetValue(output) ?? DefaultOutput,
            result.GetValue(dataBar)));
        HelpWithExamples.SetNotes(command, $"""
            For each image NAME.*, the folder gets
              NAME{LabelSuffix}     an indexed PNG: pixel values are the class numbers, from 0
              NAME{OverlaySuffix}   the classes in colour over the image
            and for all of them {FractionsName} with the area fraction of each class: file,class,fraction. A name that a
            spreadsheet would take for a formula (it begins with = + - or @) gets an apostrophe before it.
            Images are cut into overlapping tiles of the network's size, and the tiles' probabilities are blended.
            Results of earlier calls in the folder are kept, those of the same images replaced. A file that no prediction wrote is
            never replaced. An image that cannot be read, or is too large for the memory, is reported, the others are still
            labelled, and the exit code is 1. Samples become levels by the intensity range of the run's training images; an image
            that it does not fit is named. The rows of a data bar are {ClassMap.Ignored} in the label map, are not coloured, and do
            not count in the fractions.

            Examples:
              csunet predict micrograph.tif
              csunet predict --run runs/super1 images/ more/spot*.tif --out results
              csunet predict --run runs/super1 images/ --data-bar auto
            """);
        return command;
    }

    private static int Run(
        Terminal terminal, RunOptions shared, ParseResult result, string[] arguments, string output, DataBarChoice? dataBar)
    {
        using var interrupt = new Interrupt(terminal);
        LoadedRun run = shared.Open(result);
        FractionsFile table = FractionsFile.Open(output);
        IReadOnlyList<string> files = FindInputs(arguments, output, table);
        CreateFolder(output);
        using Predictor predictor = run.CreatePredictor(shared.Stride(result));
        terminal.WriteLine($"{run.Describe()}; {files.Count} {(files.Count == 1 ? "image" : "images")}");
        terminal.WriteLine($"intensity: {run.Intensity}");
        terminal.WriteLine($"device: {run.DescribeDevice()}");
        var fractions = new StringBuilder();
        int failed = 0, done = 0;
        bool isStopped = false;
        foreach (string file in files)
        {
            try
            {
                (Image image, int barRows, string barText) = ReadFile(terminal, run, dataBar, file);
                double[] shares = PredictFile(predictor, run.ClassMap, image, barRows, file, output, interrupt.Token);
                AppendFractions(fractions, file, run.ClassMap, shares);
                terminal.WriteLine($"{file}: {Describe(run.ClassMap, shares)}{barText}");
                terminal.Out.Flush();
                done++;
            }
            catch (DataException failure)
            {
                terminal.WriteError($"error: {failure.Message}");
                failed++;
            }
            catch (OutOfMemoryException)
            {
                terminal.Error.WriteLine($"error: {file}: it is too large for the memory of this machine; {SmallerImages}");
                failed++;
            }
            catch (OperationCanceledException)
            {
                isStopped = true;
                break;
            }
        }
        if (done > 0)
        {
            int replaced = table.Save(fractions.ToString());
            terminal.WriteLine($"{done} of {files.Count} images labelled in {output}: *{LabelSuffix}, *{OverlaySuffix}, {FractionsName}"
                + (replaced > 0 ? $"; earlier results of {ProblemText.Count(replaced, "image name")} replaced" : ""));
        }
        return isStopped ? ExitCode.Interrupted : failed > 0 ? ExitCode.Failure : ExitCode.Success;
    }

    /// <summary>Reads an image in the levels of the run. Warns if the run's intensity range does not fit it.</summary>
    /// <exception cref="DataException">The image cannot be read, or does not fit into memory.</exception>
    private static (Image Image, int BarRows, string BarText) ReadFile(
        Terminal terminal, LoadedRun run, DataBarChoice? dataBar, string file)
    {
        RequireMemory(run, file);
        RawImage raw = ImageFile.ReadRaw(file);
        ReadingNotes.Write(terminal, file, raw.Notices);
        Image image = run.Intensity.Apply(raw, file).Compact();
        (int barRows, string barText) = DataBarChoice.In(dataBar, image, file);
        if (run.Intensity.Doubt(raw, image.Height - barRows) is { } doubt)
            terminal.Warn($"{file}: {doubt}; the labels may be wrong");
        return (image, barRows, barText);
    }

    private static double[] PredictFile(
        Predictor predictor, ClassMap classMap, Image image, int barRows, string file, string output, CancellationToken cancellation)
    {
        Prediction prediction = predictor.Predict(image, dataBarRows: barRows, cancellation: cancellation);
        string stem = Path.Combine(output, Path.GetFileNameWithoutExtension(file));
        Pictures.SavePrediction(stem + LabelSuffix, stem + OverlaySuffix, image, prediction.Labels, classMap);
        return prediction.Fractions();
    }

    /// <exception cref="DataException">The image does not fit into memory beside the network.</exception>
    private static void RequireMemory(LoadedRun run, string file)
    {
        ImageHeader image = ImageFile.ReadHeader(file);
        double need = run.PredictionBytes + MemoryNeed.OfImage(image, run.Checkpoint.Model.Height, run.ClassMap.Count);
        HugePages.AvoidIfScarce(need, MachineMemory.Limit());
        if (need > MachineMemory.Limit())
        {
            throw new DataException(file,
                $"reading and labelling {image.Height}x{image.Width} pixels needs about {ProblemText.Memory(need)} of memory",
                $"at most {ProblemText.Memory(MachineMemory.Limit())}, the memory of the machine or the limit of this process",
                SmallerImages);
        }
    }

    /// <summary>
    /// Finds the input files, and checks before anything is written that no two of them write the same result, and that no result
    /// overwrites an input or a file of something else.
    /// </summary>
    private static IReadOnlyList<string> FindInputs(string[] arguments, string output, FractionsFile table)
    {
        List<string> files;
        try
        {
            files = [.. arguments.SelectMany(ImageFile.Find).DistinctBy(Path.GetFullPath)];
        }
        catch (DataException failure)
        {
            throw UsageException.From(failure);
        }
        if (arguments.Any(Directory.Exists))
        {
            // A folder may contain the results of an earlier call. They are not micrographs, unless the user named them one by one.
            files.RemoveAll(file => IsResult(file) && !arguments.Contains(file));
        }
        if (files.Count == 0)
            throw new UsageException("only results of earlier predictions are here", "images", string.Join(", ", arguments));
        foreach (IGrouping<string, string> group in files.GroupBy(file =>
            FileNames.Composed(Path.GetFileNameWithoutExtension(file)), StringComparer.OrdinalIgnoreCase))
        {
            if (group.Count() > 1)
            {
                throw new UsageException($"{string.Join(" and ", group)} would both be written to {group.Key}{LabelSuffix}",
                    remedy: "rename one, or predict them into different --out folders");
            }
        }
        var inputs = files.Select(Path.GetFullPath).ToHashSet();
        foreach (string file in files)
        {
            foreach (string suffix in new[] { LabelSuffix, OverlaySuffix })
            {
                string target = Path.GetFullPath(Path.Combine(output, Path.GetFileNameWithoutExtension(file) + suffix));
                if (inputs.Contains(target))
                    throw new UsageException($"its result would overwrite the input {target}", place: file, remedy: "choose another --out");
                table.RequireReplaceable(target, Path.GetFileNameWithoutExtension(file));
            }
        }
        return files;
    }

    private static bool IsResult(string file) =>
        (file.EndsWith(LabelSuffix, StringComparison.Ordinal) && File.Exists(file[..^LabelSuffix.Length] + OverlaySuffix))
        || (file.EndsWith(OverlaySuffix, StringComparison.Ordinal) && File.Exists(file[..^OverlaySuffix.Length] + LabelSuffix));

    private static void CreateFolder(string output)
    {
        try
        {
            Directory.CreateDirectory(output);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new UsageException($"the folder cannot be made ({failure.Message})", place: $"--out {output}", inner: failure);
        }
    }

    private static void AppendFractions(StringBuilder csv, string file, ClassMap classMap, double[] shares)
    {
        for (int label = 0; label < shares.Length; label++)
            csv.Append(CultureInfo.InvariantCulture,
                $"{CsvText.Cell(Path.GetFileName(file))},{CsvText.Cell(classMap.Classes[label].Name)},{shares[label]:F6}\n");
    }

    private static string Describe(ClassMap classMap, double[] shares) => string.Join(", ", shares.Select((share, label) =>
        string.Create(CultureInfo.InvariantCulture, $"{classMap.Classes[label].Name} {100 * share:F2} %")));
}
