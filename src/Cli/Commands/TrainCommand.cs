using System.CommandLine;
using CsUnet.Data;
using CsUnet.Tensors;
using CsUnet.Training;

namespace CsUnet.Cli.Commands;

/// <summary><c>csunet train</c>: trains a network, or continues a run.</summary>
internal static class TrainCommand
{
    public static Command Create(Terminal terminal)
    {
        var arguments = new TrainingArguments();
        Option<string?> output = Options.OutputFolder("--out", "DIR", "Folder of the run, new or empty. Default: runs/MODEL-DATE.");
        Option<string?> config = Options.Text("--config", "FILE",
            "Reads options from a YAML file, such as the config.yaml of a run; the command line wins.");
        Option<bool> resume = Options.Flag("--resume",
            "Continues a run from its last checkpoint: the run of --run or --out, otherwise the newest.");
        Option<string?> run = Options.Text("--run", "DIR", "With --resume: the run's folder.");
        Option<string?> device = CommandHelpers.Device();
        Option<bool> noGraph = CommandHelpers.NoGraph();
        Option<int?> logEvery = CommandHelpers.LogEvery();
        var command = new Command("train", "Trains a network on a folder of micrographs and masks, or on synthetic ones without --data.")
        {
            output, config, resume, run, device, noGraph, logEvery,
        };
        arguments.AddTo(command);
        command.SetAction(result =>
        {
            DeviceSelection selection = CommandHelpers.OpenDevice(result.GetValue(device));
            ExecutionOptions execution = CommandHelpers.Execution(selection, result.GetValue(noGraph), result.GetValue(logEvery));
            List<(string Key, string Value)> given = [.. arguments.Given(result)];
            if (given.Find(entry => entry.Key == "threads").Value is { } threads && int.TryParse(threads, out int count))
                CommandHelpers.RequireThreads(count);
            // auto is not a value in the file: the weights are computed from the data and stored as numbers.
            bool weighClasses = given.RemoveAll(entry => entry.Key == "class_weights" && entry.Value == "auto") > 0;
            string commandLine = CommandHelpers.CommandLineOf(result);
            if (result.GetValue(resume))
                return Resume(terminal, selection, execution, result.GetValue(run) ?? result.GetValue(output), result.GetValue(config),
                    given, weighClasses, commandLine);
            if (result.GetValue(run) is { } folder)
                throw new UsageException("only with --resume", place: $"--run {folder}", remedy: "name a new run's folder by --out");
            return Start(terminal, selection, execution, result.GetValue(output), result.GetValue(config), given, weighClasses,
                commandLine);
        });
        HelpWithExamples.SetNotes(command, """
            The data folder holds train/, train_annot/, val/, val_annot/ and, for evaluation, test/, test_annot/: images, and
            masks of the same names. --classes says which mask colours or values are which class: nasa-super, nasa-ebc, or a
            YAML file; README.md shows one. All files are checked first, and everything that is wrong is listed at once.

            --device auto takes the first GPU that can be used, and else the CPU; the program says which. On a GPU the
            launches of a step are recorded in the second step and replayed as one CUDA graph, with the same result.
            --device cuda:emulated runs the CUDA kernels on the CPU: to check them, not to train.

            Ctrl-C stops after the current step and leaves a run that --resume continues; the result is bit for bit that of a
            run that was never stopped. --data names the data's new folder if they were moved: their content must be the same.
            A second Ctrl-C ends the program at once; the last checkpoint stays. SIGTERM and SIGHUP act like Ctrl-C.

            Examples:
              csunet train
              csunet train --data Super1 --classes nasa-super --steps 300 --seed 0 --out runs/super1
              csunet train --data my-set --classes my-classes.yaml --class-weights auto --epochs 100 --patience 10
              csunet train --config runs/super1/config.yaml --lr 5e-4 --out runs/slower
              csunet train --data Super1 --classes nasa-super --subset super3
              csunet train --data Super1 --classes nasa-super --encoder resnet18 --encoder-width 64 --cnn-weights resnet18.pth
              csunet train --resume --run runs/super1
              csunet train --data Super1 --classes nasa-super --device cuda:1
            """);
        return command;
    }

    private static int Start(
        Terminal terminal, DeviceSelection device, ExecutionOptions execution, string? output, string? config,
        List<(string Key, string Value)> given, bool weighClasses, string commandLine)
    {
        TrainingOptions options = TrainingArguments.Merge(config, given);
        if (options is { Data: null, Classes: { } classes })
        {
            // A file that cannot be read is the first thing to say.
            _ = RunData.ClassMap(options);
            throw new UsageException("no data are given, and the classes are those of data", place: $"--classes {classes}",
                remedy: $"give the folder of the data by --data, or --data {RunData.SyntheticName} for synthetic micrographs");
        }
        TrainingSession session = TrainingSession.Open(terminal, options, weighClasses, device, execution);
        RunFolder folder;
        try
        {
            folder = RunFolder.Create(options.Model, output);
        }
        catch (RunException failure)
        {
            throw UsageException.From(failure);
        }
        return Finish(session.Run(folder, isResumed: false, commandLine));
    }

    private static int Resume(
        Terminal terminal, DeviceSelection device, ExecutionOptions execution, string? path, string? config,
        List<(string Key, string Value)> given, bool weighClasses, string commandLine)
    {
        RunFolder folder = LoadedRun.FindFolder(path);
        OutputFiles.CheckFolder(folder.Path, folder.Path);
        TrainingOptions before = folder.LoadOptions(), options = TrainingArguments.Merge(config, given, before);
        IReadOnlyList<string> changed = TrainingOptionTable.Differences(before, options);
        if (changed.Contains("data") && folder.LoadIdentity() is null)
            throw Kept("--data", $"the run in {folder.Path} is of an older version, which did not record what its data contain");
        if (changed.Contains("classes") && !folder.HasCheckpoint)
            throw Kept("--classes", $"the run in {folder.Path} has other classes, and a resumed run keeps them");
        LoadedRun.RequireData(options);
        if (changed.FirstOrDefault(key => TrainingOptionTable.Find(key).IsFixed) is { } key)
            throw Kept(TrainingArguments.Name(key), $"the run in {folder.Path} has another value, and a resumed run keeps it");
        if (weighClasses && before.ClassWeights.Count == 0)
            throw Kept("--class-weights auto", $"the run in {folder.Path} has none, and a resumed run keeps them");
        // The run has its own copy of its classes, so the file that they were read from may be gone or changed.
        ClassMap? classMap = changed.Contains("classes") ? null : folder.LoadClassMap();
        // The weights belong to the levels that the training began with.
        IntensityScale? intensity = folder.HasCheckpoint ? CheckpointHeader.Read(folder.LastPath).Intensity : null;
        return Finish(TrainingSession.Open(terminal, options, weighClasses: false, device, execution, classMap, intensity, isResumed: true)
            .Run(folder, isResumed: true, commandLine, changed: changed));
    }

    private static UsageException Kept(string option, string problem) => new(problem, place: option, remedy: "start a new run instead");

    private static int Finish(TrainingResult result) =>
        result.Outcome == TrainingOutcome.Cancelled ? ExitCode.Interrupted : ExitCode.Success;
}
