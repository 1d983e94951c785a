using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using CsUnet.Cuda;
using CsUnet.Cuda.NVRTC;
using CsUnet.Kernels.Cuda;
using CsUnet.Lab;

namespace CsUnet.Cli.Commands.Lab;

/// <summary>
/// <c>csunet lab resources</c>: compiles kernels for an architecture with NVRTC and lists their resources, without a GPU.
/// </summary>
internal static class LabResourcesCommand
{
    public static Command Create(Terminal terminal)
    {
        Option<string?> files = Options.Text("--files", "NAMES",
            "Sources without extension, joined by commas, such as layer_norm,gemm. Default: all.");
        Option<string?> gpu = Options.Choice("--gpu", "NAME", "Whose architecture to compile for. Default: h200.",
            [.. Gpu.All.Select(entry => entry.Name)]);
        var command = new Command("resources",
            "Compiles kernels with NVRTC and lists registers, shared memory, spills and PTX instructions.") { files, gpu };
        command.SetAction(result =>
        {
            string[] names = result.GetValue(files)?.Split(',', StringSplitOptions.RemoveEmptyEntries) ?? [.. KernelLibrary.Files];
            if (names.FirstOrDefault(name => !KernelLibrary.Files.Contains(name)) is { } unknown)
                throw new UsageException("there is no such source", $"one of {string.Join(", ", KernelLibrary.Files)}",
                    $"--files {unknown}");
            if (!CudaLibraries.TryLoad(CudaLibrary.Nvrtc, out string report))
                throw new CudaException($"no kernels can be compiled: {report}");
            foreach (string line in Compile(names, Gpu.Named(result.GetValue(gpu) ?? "h200").Architecture))
                terminal.WriteLine(line);
            return ExitCode.Success;
        });
        HelpWithExamples.SetNotes(command, """
            PTX instructions are counted before scheduling, a loop's body once. CSUNET_KERNELS names a folder of edited sources.

            Examples:
              csunet lab resources --files layer_norm --gpu a100
            """);
        return command;
    }

    /// <summary>The lines of the table. If the emulator has replaced NVRTC in this process, another process asks the real NVRTC.</summary>
    public static IEnumerable<string> Lines(IReadOnlySet<string> files, Gpu gpu)
    {
        string[] sources = [.. files.Where(file => file != KernelWatch.Header)];
        if (!CudaLibraries.IsEmulated)
            return Compile(sources, gpu.Architecture);
        var start = new ProcessStartInfo(Environment.ProcessPath!,
            ["lab", "resources", "--files", string.Join(',', sources), "--gpu", gpu.Name])
        {
            RedirectStandardOutput = true, RedirectStandardError = true,
        };
        using Process process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode == 0 ? output : $"registers, spills, PTX: {errors.Result}").TrimEnd().Split('\n');
    }

    private static IEnumerable<string> Compile(IReadOnlyList<string> files, int architecture)
    {
        yield return $"NVRTC {CudaRuntimeCompiler.GetVersion()}, sm_{architecture}";
        yield return $"{"kernel",-48} {"registers",9} {"shared",7} {"spilt",6} {"PTX",6} {"global",7} {"shared",7} {"mma",5} {"fma",6} "
            + $"{"barriers",8}";
        foreach (string file in files)
        {
            IReadOnlyDictionary<string, PtxCounts> ptx = KernelResources.CountPtx(file, architecture);
            foreach ((string kernel, KernelUsage usage) in KernelResources.Compile(file, architecture))
                yield return string.Create(CultureInfo.InvariantCulture,
                    $"{kernel,-48} {usage.Registers,9} {usage.SharedBytes,7} {usage.SpillBytes,6} {ptx[kernel].All,6} "
                        + $"{ptx[kernel].Global,7} {ptx[kernel].Shared,7} {ptx[kernel].Matrix,5} {ptx[kernel].MultiplyAdds,6} "
                        + $"{ptx[kernel].Barriers,8}");
        }
    }
}
