using System.CommandLine;
using CsUnet.Tensors;

namespace CsUnet.Cli.Commands;

/// <summary>Options that several commands have.</summary>
internal static class Shared
{
    public static Option<string?> Device() => Options.Text(
        "--device", "NAME", "Where to compute: auto, cpu, cuda, cuda:N, or cuda:emulated (CUDA kernels on the processor, slowly). Default: auto.");

    public static Option<int?> Threads() => Options.Integer(
        "--threads", "N", "Threads; results do not depend on it. Default: one per processor.", 1, 1024);

    public static Option<string?> Run() => Options.Text("--run", "DIR", "Run folder. Default: the newest one in runs/.");

    public static Option<string?> Checkpoint() => Options.Choice(
        "--checkpoint", "last|best", "The run's last weights, or those with the best IoU on validation. Default: last.", "last", "best");

    /// <summary>The call as the user wrote it, for records.</summary>
    public static string CommandLineOf(ParseResult result) => $"csunet {string.Join(' ', result.Tokens.Select(token => NextSteps.Quote(token.Value)))}";

    /// <summary>Opens the device that an option names.</summary>
    /// <exception cref="UsageException">There is no such name.</exception>
    public static DeviceSelection OpenDevice(string? name)
    {
        try
        {
            return DeviceSelection.Open(name ?? "auto");
        }
        catch (FormatException failure)
        {
            throw new UsageException($"--device: {failure.Message}", failure);
        }
    }

    /// <summary>Opens the device of a command that has no CUDA path yet.</summary>
    public static void UseDevice(string? name)
    {
        if (name is not (null or "auto") && OpenDevice(name).Device.Kind != DeviceKind.Cpu)
            throw new UsageException($"--device {name}: this command computes on the processor only; use --device cpu");
    }

    public static void UseThreads(int? threads)
    {
        if (threads is { } count)
            Workers.Count = count;
    }
}
