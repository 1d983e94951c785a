using System.CommandLine;
using System.Globalization;
using CsUnet.Cases;
using CsUnet.Tensors;

namespace CsUnet.Cli.Commands;

/// <summary><c>csunet selftest</c>: the reference cases of a folder through the engine.</summary>
internal static class SelfTestCommand
{
    /// <summary>The cases that lie beside the program.</summary>
    public static string DefaultFolder => Path.Combine(AppContext.BaseDirectory, "golden");

    public static Command Create(Terminal terminal)
    {
        Option<string?> vectors = Options.Text("--vectors", "DIR", "Folder of *.safetensors cases. Default: those that come with the program.");
        Option<string?> type = Options.Choice("--dtype", "TYPE", "Element type to compute in: float32 or float64. Default: float32.", "float32", "float64");
        Option<string?> filter = Options.Text("--filter", "TEXT", "Runs only the cases whose file name holds this text.");
        Option<bool> quick = Options.Flag("--quick", "Leaves out the networks of full size, which take from seconds to minutes each.");
        Option<string?> device = Shared.Device();
        Option<int?> threads = Shared.Threads();
        var command = new Command("selftest", "Runs reference cases through every operator and network, and compares the results.")
        {
            vectors, type, filter, quick, device, threads,
        };
        command.SetAction(result =>
        {
            Shared.UseDevice(result.GetValue(device));
            Shared.UseThreads(result.GetValue(threads));
            return Run(terminal, result.GetValue(vectors) ?? DefaultFolder, result.GetValue(type) ?? "float32", result.GetValue(filter),
                result.GetValue(quick));
        });
        HelpWithExamples.SetNotes(command, """
            The references were computed by PyTorch in float64. The error of a case is the largest difference over the largest
            entry of a tensor; share is the error over what is allowed. A case passes when its share is at most 1, and when
            everything in its file was understood. Exit code 1 if a case fails.

            Examples:
              csunet selftest
              csunet selftest --dtype float64 --filter swin_block
              csunet selftest --vectors my-cases
            """);
        return command;
    }

    private static int Run(Terminal terminal, string folder, string type, string? filter, bool quick)
    {
        if (!Directory.Exists(folder))
            throw new UsageException($"--vectors {folder}: there is no such folder");
        SelfTestSummary summary;
        bool hasHeading = false;
        try
        {
            summary = SelfTest.Run(folder, type == "float64" ? DType.Float64 : DType.Float32, filter, includeFullSize: !quick, Report);
        }
        catch (FileNotFoundException failure)
        {
            throw new UsageException(failure.Message, failure);
        }
        foreach (string name in summary.LeftOut)
            terminal.WriteLine($"left out: {name} (full size; run without --quick)");
        terminal.WriteLine($"{summary.Passed} passed, {summary.Failed} failed, {summary.LeftOut.Count} left out ({type})");
        return summary.Failed == 0 ? ExitCode.Success : ExitCode.Failure;

        void Report(CaseResult result)
        {
            // Only once there is a case: a folder without any is an error, and nothing else.
            if (!hasHeading)
                terminal.WriteLine($"{"op",-17} {"case",-40} {"error",9} {"share",7} {"s",7}");
            hasHeading = true;
            terminal.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{result.Op,-17} {result.Case,-40} {result.Error,9:0.0E+00} {result.Share,7:F3} {result.Elapsed.TotalSeconds,7:F2}{(result.Passed ? "" : "  FAILED")}"));
            if (result.Failure is not null)
                terminal.WriteLine($"  {result.Failure}");
            terminal.Out.Flush();
        }
    }
}
