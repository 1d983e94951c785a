using System.CommandLine;
using System.Globalization;
using CsUnet.Cuda;
using CsUnet.Tensors;
using CsUnet.Verification;

namespace CsUnet.Cli.Commands;

/// <summary><c>csunet selftest</c>: runs the reference cases of a folder.</summary>
internal static class SelfTestCommand
{
    /// <summary>The folder of the cases that come with the program.</summary>
    public static string DefaultFolder => Path.Combine(AppContext.BaseDirectory, "golden");

    public static Command Create(Terminal terminal)
    {
        Option<string?> vectors = Options.Text("--vectors", "DIR",
            "Folder of *.safetensors cases. Default: those that come with the program.");
        Option<string?> type = Options.Choice("--dtype", "TYPE", "Element type to compute in: float32 or float64. Default: float32.",
            "float32", "float64");
        Option<string?> filter = Options.Text("--filter", "TEXT",
            "Runs only the cases whose file name contains this text; * matches anything, SwinBlock and swin_block are the same.");
        Option<bool> quick = Options.Flag("--quick", "Skips the full-size networks, which take from seconds to minutes each.");
        Option<bool> all = Options.Flag("--all",
            "Also runs the full-size networks on cuda:emulated, where they are very slow and are skipped by default.");
        Option<string?> write = Options.OutputFolder("--write", "DIR",
            "Writes the computed results into this folder, one *.safetensors file per case.");
        Option<string?> device = CommandHelpers.Device();
        Option<int?> threads = CommandHelpers.Threads();
        var command = new Command("selftest", "Runs reference cases through every operator and network, and compares the results.")
        {
            vectors, type, filter, quick, all, device, threads, write,
        };
        command.SetAction(result =>
        {
            if (result.GetValue(quick) && result.GetValue(all))
                throw new UsageException("--quick and --all contradict each other", remedy: "give one of them");
            string folder = result.GetValue(vectors) ?? DefaultFolder;
            if (!Directory.Exists(folder))
                throw new UsageException("there is no such folder", place: $"--vectors {folder}");
            DType element = result.GetValue(type) == "float64" ? DType.Float64 : DType.Float32;
            string? name = result.GetValue(device);
            if (element == DType.Float64 && name is not null && name.StartsWith("cuda", StringComparison.Ordinal))
            {
                throw new UsageException(
                    "CUDA devices compute in float32", place: "--dtype float64", remedy: $"leave out --dtype, or --device {name}");
            }
            // By default float64 runs on the CPU, the only device that supports it.
            DeviceSelection selection = CommandHelpers.OpenDevice(element == DType.Float64 && (name ?? "auto") == "auto" ? "cpu" : name);
            CommandHelpers.UseThreads(result.GetValue(threads));
            bool includeFullSize = result.GetValue(all) || (!result.GetValue(quick) && name != DeviceSelection.Emulated);
            return Run(terminal, selection, folder, element, result.GetValue(filter), includeFullSize, result.GetValue(write));
        });
        HelpWithExamples.SetNotes(command, """
            The references were computed by PyTorch in float64. The error of a case is the largest difference over the largest
            entry of a tensor; share is the error over what is allowed. A case passes when its share is at most 1, and when
            everything in its file was understood. Exit code 1 if a case fails; a skipped case has not failed.

            Examples:
              csunet selftest
              csunet selftest --device cuda
              csunet selftest --device cuda:emulated --filter swin_block
              csunet selftest --dtype float64 --filter swin_block
              csunet selftest --vectors my-cases
            """);
        return command;
    }

    private static int Run(
        Terminal terminal, DeviceSelection device, string folder, DType type, string? filter, bool includeFullSize, string? write)
    {
        if (write is not null)
        {
            OwnOutput.RequireCases($"--write {write}", write);
            Directory.CreateDirectory(write);
        }
        SelfTestSummary summary;
        bool hasHeading = false;
        try
        {
            summary = SelfTest.Run(folder, type, filter, includeFullSize, Report, device.Device, write);
        }
        catch (FileNotFoundException failure)
        {
            throw UsageException.From(failure);
        }
        foreach (string name in summary.LeftOut)
            terminal.WriteLine(
                $"skipped: {name} (full size; {(CudaLibraries.IsEmulated ? "--all runs it, slowly" : "run without --quick")})");
        foreach ((string name, string network) in summary.Missing)
            terminal.WriteLine($"skipped: {name} (this version has no {network})");
        terminal.WriteLine($"{summary.Passed} passed, {summary.Failed} failed, {summary.LeftOut.Count + summary.Missing.Count} skipped");
        return summary.Failed == 0 ? ExitCode.Success : ExitCode.Failure;

        void Report(CaseResult result)
        {
            // Print the heading only before the first case: a folder without cases is an error and prints nothing else.
            if (!hasHeading)
            {
                terminal.WriteLine($"{type.Label()} on {device.Description}");
                terminal.WriteLine($"{"op",-17} {"case",-40} {"error",9} {"share",7} {"s",7}");
            }
            hasHeading = true;
            terminal.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{result.Op,-17} {result.Case,-40} {result.Error,9:0.0E+00} {result.Share,7:F3} "
                    + $"{result.Elapsed.TotalSeconds,7:F2}{(result.Passed ? "" : "  FAILED")}"));
            if (result.Failure is not null)
                terminal.WriteLines($"  {result.Failure}");
            terminal.Out.Flush();
        }
    }
}
