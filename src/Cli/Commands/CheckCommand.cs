using System.CommandLine;
using CsUnet.Cli.Display;
using CsUnet.Data;
using CsUnet.Training;

namespace CsUnet.Cli.Commands;

/// <summary><c>csunet check</c>: checks the files of a data set and the set as a whole, as a training does before it starts.</summary>
internal static class CheckCommand
{
    private static readonly string[] s_splits = ["train", "val", "test"];

    public static Command Create(Terminal terminal)
    {
        Option<string?> data = Options.Text("--data", "DIR", "Folder of the data set.");
        Option<string?> classes = Options.Text("--classes", "NAME|FILE",
            $"Mask colours or values of the classes: {string.Join(", ", ClassMap.BuiltIn.Select(map => map.Name))} or a YAML file.");
        Option<string?> subset = Options.Text("--subset", "NAME,...", "Names of the training images to use, as for train. Default: all.");
        Option<int?> threads = CommandHelpers.Threads();
        var command = new Command("check", "Checks a data set as a whole, as train does before it starts, and prints what is in it.")
        {
            data, classes, subset, threads,
        };
        command.SetAction(result =>
        {
            CommandHelpers.UseThreads(result.GetValue(threads));
            return Run(terminal, Required(result.GetValue(data), "--data", "the folder of a data set"),
                Required(result.GetValue(classes), "--classes", "a class map"), result.GetValue(subset));
        });
        HelpWithExamples.SetNotes(command, """
            Every file is decoded once. The table shows images, sizes, intensities and the share of each class in train, val and
            test, and the mask values that fell to the default class. Warnings name classes that a split lacks, values near a
            listed one, what is unlike between the splits, and pictures that are in the set twice. docs/data-check.md explains them.
            Exit codes: 0 a training can start, 1 it would be refused, 2 wrong call.

            Examples:
              csunet check --data Super1 --classes nasa-super
              csunet check --data my-set --classes my-classes.yaml
            """);
        return command;
    }

    private static int Run(Terminal terminal, string data, string classes, string? subset)
    {
        if (!Directory.Exists(data))
            throw new UsageException("no such folder", "a data set: train, train_annot, val, val_annot and so on", $"--data {data}");
        ClassMap classMap = ClassMap.Load(classes);
        IReadOnlyList<string>? names = subset is null ? null : Subsets.Resolve(subset);
        var problems = new List<DataException>();
        var splits = new Dictionary<string, SplitSummary>();
        foreach (string split in s_splits.Where(split => IsExpected(data, split)))
        {
            try
            {
                // Nothing is kept in memory: only the counts matter.
                splits[split] = MicrographDataset.Open(data, split, classMap, split == "train" ? names : null, memoryLimit: 0).Summary;
            }
            catch (DataException failure)
            {
                problems.AddRange(failure.Problems);
            }
        }
        DatasetCheck check = DatasetCheck.Of(
            classMap, splits.GetValueOrDefault("train"), splits.GetValueOrDefault("val"), splits.GetValueOrDefault("test"),
            isComplete: problems.Count == 0);
        problems.AddRange(check.Problems);
        terminal.WriteLine($"data: {data}; classes {string.Join(", ", classMap.Classes.Select(entry => entry.Name))}");
        if (splits.Count > 0)
            DatasetDisplay.Write(terminal, check.Table);
        // Here they are the result.
        foreach (string warning in check.Warnings)
            terminal.WriteLine($"warning: {warning}");
        if (problems.Count == 0)
        {
            terminal.WriteLine(check.Warnings.Count == 0 ? "a training can start" : "a training can start, with these warnings");
            return ExitCode.Success;
        }
        foreach (DataException problem in problems)
            terminal.WriteError($"error: {problem.Message}");
        return ExitCode.Failure;
    }

    // As for a training: validation and test images are optional, and test images without masks are not checked.
    private static bool IsExpected(string data, string split) => split switch
    {
        "train" => true,
        "val" => Directory.Exists(Path.Combine(data, split)),
        _ => Directory.Exists(Path.Combine(data, $"{split}_annot")),
    };

    private static string Required(string? value, string option, string expected) =>
        value is { Length: > 0 } ? value : throw new UsageException("is needed", expected, option);
}
