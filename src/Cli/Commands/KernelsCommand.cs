using System.CommandLine;
using System.Globalization;
using CsUnet.Cuda;
using CsUnet.Kernels.Cuda;
using CsUnet.Lab;
using CsUnet.Tensors;
using CsUnet.Training;
using CsUnet.Verification;

namespace CsUnet.Cli.Commands;

/// <summary><c>csunet kernels</c>: lists the CUDA kernels, and counts their memory accesses on the emulated device.</summary>
internal static class KernelsCommand
{
    public static Command Create(Terminal terminal) => new("kernels", "Lists the CUDA kernels, and profiles them without a GPU.")
    {
        CreateList(terminal), CreateProfile(terminal),
    };

    private static Command CreateList(Terminal terminal)
    {
        var command = new Command("list", "Lists the kernels of each source file.");
        command.SetAction(_ =>
        {
            foreach (string file in KernelLibrary.Files)
            {
                terminal.WriteLine($"{file}.cu");
                foreach (string kernel in KernelLibrary.Exports(KernelLibrary.Source(file).Text).Keys)
                    terminal.WriteLine($"  {kernel}");
            }
            return ExitCode.Success;
        });
        HelpWithExamples.SetNotes(command, """
            CSUNET_KERNELS=DIR reads the sources from a folder instead of the program.

            Examples:
              csunet kernels list
            """);
        return command;
    }

    private static Command CreateProfile(Terminal terminal)
    {
        Option<string?> op = CommandHelpers.Op();
        Option<bool> totals = Options.Flag("--totals", "Only the total of each kernel, without its lines.");
        Option<string?> csv = Options.OutputFile("--csv", "FILE", "Also writes the lines as a table to this file.");
        Option<string?> check = Options.Text("--check", "FILE",
            "Fails if a kernel is worse than in this table, which --csv wrote earlier.");
        var command = new Command("profile", "Counts the memory accesses of kernels per source line, on the emulated device.")
        {
            op, totals, csv, check,
        };
        command.SetAction(result => Run(
            terminal, result.GetValue(op), result.GetValue(totals), result.GetValue(csv), result.GetValue(check)));
        HelpWithExamples.SetNotes(command, """
            Runs the test cases of the operators, forward and backward, on cuda:emulated with every access watched: no GPU is
            needed, but g++ is. Counted are requests (executions by a warp), bytes, sectors of 32 bytes of global memory,
            wavefronts of shared memory (passes over its 32 banks), and matrix instructions. The ideal is what neighbouring
            threads on neighbouring addresses, without bank conflicts, would take. Counts are exact and the same in every run;
            the shapes are small and odd, so that narrow rows and tails show up in a ratio.

            CSUNET_KERNELS=DIR takes the kernels from a folder: copy kernels/, change a file, and compare with --check.
            Exit code 1 if a kernel is worse than --check allows, or does something wrong (a race, an access outside).

            Examples:
              csunet kernels profile --op LayerNorm
              csunet kernels profile --op "Conv*" --totals --csv before.csv
              CSUNET_KERNELS=my-kernels csunet kernels profile --op "Conv*" --check before.csv
            """);
        return command;
    }

    private static int Run(Terminal terminal, string? pattern, bool onlyTotals, string? csv, string? check)
    {
        IReadOnlyList<OperatorCase> cases = Choose(pattern);
        IReadOnlyList<KernelCost>? before = check is null ? null : ReadTable(check);
        Device device = CommandHelpers.OpenDevice(DeviceSelection.Emulated).Device;
        CudaEmulator.SetMode(CudaEmulatorMode.Hook);
        CudaEmulator.ClearProfile();
        CudaEmulator.ClearReport();
        foreach (OperatorCase item in cases)
        {
            // Copy the result to the host, which detects unwritten elements.
            foreach ((_, Tensor value) in item.RunWithGradients(DType.Float32, device))
                _ = value.To(Device.Cpu);
        }
        string table = CudaEmulator.GetProfileCsv(), findings = CudaEmulator.GetReport();
        IReadOnlyList<KernelCost> rows = KernelProfile.Parse(table, "the emulated device's profile");
        terminal.WriteLine($"{cases.Count} cases of {string.Join(", ", cases.Select(item => item.Op.Name).Distinct())}");
        Write(terminal, rows, onlyTotals);
        if (csv is not null)
            OutputFiles.WriteText(csv, table);
        if (findings.Length > 0)
            throw new RunException("the kernels did something wrong:") { Lines = findings.TrimEnd().Split('\n') };
        if (before is not null && KernelProfile.Rises(before, rows).ToList() is { Count: > 0 } rises)
            throw new RunException($"worse than {check}:") { Lines = rises };
        return ExitCode.Success;
    }

    private static IReadOnlyList<OperatorCase> Choose(string? pattern)
    {
        IReadOnlyList<OperatorCase> all = OperatorCases.All;
        if (pattern is null)
            return all;
        IReadOnlyList<OperatorCase> chosen = new NamePattern(pattern).Choose(all, item => item.Op.Name);
        if (chosen.Count > 0)
            return chosen;
        List<string> names = [.. all.Select(item => item.Op.Name).Distinct().Order(StringComparer.Ordinal)];
        throw UsageException.Unknown("no operator has such a name", pattern.Trim('*'), names, $"--op {pattern}");
    }

    private static IReadOnlyList<KernelCost> ReadTable(string path)
    {
        if (!File.Exists(path))
            throw new UsageException("there is no such file", place: $"--check {path}", remedy: $"--csv {path} writes one");
        try
        {
            return KernelProfile.Load(path);
        }
        catch (InvalidFileException failure)
        {
            throw UsageException.From(failure);
        }
    }

    private static void Write(Terminal terminal, IReadOnlyList<KernelCost> rows, bool onlyTotals)
    {
        terminal.WriteLine(
            $"{"kernel, line",-56} {"requests",10} {"bytes",12} {"sectors",10} {"ideal",10} {"ratio",6} {"wavefronts",10} {"ideal",10} "
                + $"{"ratio",6} {"matrix",8}");
        IReadOnlyDictionary<(string Kernel, string Memory), KernelCost> totals = KernelProfile.Totals(rows);
        foreach (IGrouping<string, KernelCost> kernel in rows.GroupBy(row => row.Kernel))
        {
            KernelCost? Total(string memory) => totals.GetValueOrDefault((kernel.Key, memory));
            WriteLine(terminal, kernel.Key, Total("global"), Total("shared"), Total("matrix"));
            if (onlyTotals)
                continue;
            foreach (KernelCost row in kernel.OrderBy(row => LineNumber(row.Line)))
            {
                string name = row.Memory == "matrix" ? $"  {row.Line} mma" : $"  {row.Line} {row.Memory} {row.Direction}, {row.Size} bytes";
                WriteLine(
                    terminal, name, row.Memory == "global" ? row : null, row.Memory == "shared" ? row : null, row.Memory == "matrix"
                        ? row
                        : null);
            }
        }
    }

    private static void WriteLine(Terminal terminal, string name, KernelCost? global, KernelCost? shared, KernelCost? matrix)
    {
        long requests = (global?.Requests ?? 0) + (shared?.Requests ?? 0), bytes = (global?.Bytes ?? 0) + (shared?.Bytes ?? 0);
        string instructions = matrix is null ? "" : matrix.Requests.ToString(CultureInfo.InvariantCulture);
        terminal.WriteLine($"{name,-56} {requests,10} {bytes,12} {Counts(global)} {Counts(shared)} {instructions,8}".TrimEnd());
    }

    private static string Counts(KernelCost? cost) => cost is null
        ? $"{"",10} {"",10} {"",6}"
        : string.Create(CultureInfo.InvariantCulture, $"{cost.Actual,10} {cost.Ideal,10} {cost.Ratio,6:F2}");

    private static int LineNumber(string line) =>
        int.TryParse(line.AsSpan(line.LastIndexOf(':') + 1), NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : 0;
}
