using System.CommandLine;
using CsUnet.Kernels.Cuda;
using CsUnet.Lab;
using CsUnet.Tensors;

namespace CsUnet.Cli.Commands.Lab;

/// <summary><c>csunet lab watch</c>: checks and profiles an operator's kernels again whenever their source changes.</summary>
internal static class LabWatchCommand
{
    public static Command Create(Terminal terminal)
    {
        var arguments = new LabArguments();
        Option<string?> gpu = Options.Choice("--gpu", "NAME", "Without a GPU: the GPU to project to. Default: h200.",
            [.. Gpu.All.Select(entry => entry.Name)]);
        Option<int?> rounds = Options.Integer("--rounds", "N", "Stops after this many versions. Default: runs until Ctrl-C.", 1);
        var command = new Command("watch",
            "Compiles, checks and measures an operator's kernels whenever a .cu of CSUNET_KERNELS changes.") { gpu, rounds };
        arguments.AddTo(command);
        command.SetAction(result => Run(terminal, arguments, result, Gpu.Named(result.GetValue(gpu) ?? "h200"), result.GetValue(rounds)));
        HelpWithExamples.SetNotes(command, """
            Copy kernels/ somewhere, let CSUNET_KERNELS name the copy, and edit. On a GPU each version is checked and timed; without
            one it is checked on the emulator, with every memory access watched, and sectors, wavefronts and the projected time are
            compared with the version before and with the embedded one. Where NVRTC is installed, registers, shared memory, spills
            and PTX instructions for the GPU's architecture are shown. The emulator's own time is never shown.

            Examples:
              export CSUNET_KERNELS=my-kernels
              csunet lab watch --op layer_norm --device cuda:emulated
            """);
        return command;
    }

    private static int Run(Terminal terminal, LabArguments arguments, ParseResult result, Gpu gpu, int? rounds)
    {
        if (KernelLibrary.Folder is not { } folder)
            throw new UsageException("CSUNET_KERNELS is not set", "a copy of the folder kernels/", "lab watch", "set it, and edit there");
        IReadOnlyList<LabCase> cases = arguments.Cases(result);
        (DeviceSelection selection, DType type) = arguments.Open(result, gpu);
        using PrecisionScope precision = arguments.PrecisionOf(result).Use(selection.Device);
        if (selection.Device.Kind == DeviceKind.Cpu)
        {
            throw new UsageException("there are no .cu kernels on the CPU", place: $"--device {selection.Description}",
                remedy: $"use cuda or {DeviceSelection.Emulated}");
        }
        using var interrupt = new Interrupt(terminal);
        var watch = new KernelWatch(selection.Device, type, gpu, cases, files => LabResourcesCommand.Lines(files, gpu));
        for (int round = 0; rounds is null || round < rounds; round++)
        {
            foreach (string line in watch.Next())
                terminal.WriteLines(line);
            terminal.Out.Flush();
            if (round + 1 == rounds)
                break;
            terminal.WriteLine($"watching {folder}, {string.Join(", ", watch.Files.Select(file => $"{file}.cu"))}; Ctrl-C ends");
            string before = Texts(watch.Files);
            while (Texts(watch.Files) == before)
                if (interrupt.Token.WaitHandle.WaitOne(300))
                    return ExitCode.Success;
        }
        return watch.LastFailed ? ExitCode.Failure : ExitCode.Success;
    }

    private static string Texts(IReadOnlySet<string> files) => string.Concat(files.Select(file =>
        File.ReadAllText(Path.Combine(KernelLibrary.Folder!, file == KernelWatch.Header ? "common.cuh" : $"{file}.cu"))));
}
