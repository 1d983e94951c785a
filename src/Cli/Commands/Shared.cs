using System.CommandLine;
using CsUnet.Tensors;

namespace CsUnet.Cli.Commands;

/// <summary>Options that several commands have.</summary>
internal static class Shared
{
    public static Option<string?> Device() => Options.Choice(
        "--device", "NAME", "Where to compute: cpu, or auto for the best device of this machine. Default: auto.", "auto", "cpu");

    public static Option<int?> Threads() => Options.Integer(
        "--threads", "N", "Threads; results do not depend on it. Default: one per processor.", 1, 1024);

    public static Option<string?> Run() => Options.Text("--run", "DIR", "Run folder. Default: the newest one in runs/.");

    public static Option<string?> Checkpoint() => Options.Choice(
        "--checkpoint", "last|best", "The run's last weights, or those with the best IoU on validation. Default: last.", "last", "best");

    /// <summary>The call as the user wrote it, for records.</summary>
    public static string CommandLineOf(ParseResult result) => $"csunet {string.Join(' ', result.Tokens.Select(token => NextSteps.Quote(token.Value)))}";

    public static void UseDevice(string? name) => _ = Tensors.Device.Parse(name ?? "auto");

    public static void UseThreads(int? threads)
    {
        if (threads is { } count)
            Workers.Count = count;
    }
}
