using System.CommandLine;
using CsUnet.Tensors;

namespace CsUnet.Cli.Commands;

/// <summary>The options of the commands that use a trained network: run, weights, tiles, device, precision and threads.</summary>
internal sealed class RunOptions
{
    private readonly Option<string?> _run = CommandHelpers.Run();
    private readonly Option<string?> _checkpoint = CommandHelpers.Checkpoint();
    private readonly Option<int?> _stride = Options.Integer("--stride", "N",
        "Pixels between tiles; smaller is slower and smoother. Default: the run's tile_stride, half a tile.", 1, 8192);
    private readonly Option<string?> _device = CommandHelpers.Device();
    private readonly Option<string?> _precision = CommandHelpers.PrecisionOfRun();
    private readonly Option<int?> _threads = CommandHelpers.Threads();

    /// <summary>Adds these options to a command, and between them the command's own, in the order of its help.</summary>
    public void AddTo(Command command, params ReadOnlySpan<Option> own)
    {
        foreach (Option option in (ReadOnlySpan<Option>)[_run, .. own, _checkpoint, _stride, _device, _precision, _threads])
            command.Add(option);
    }

    /// <summary>Opens the device, sets the number of threads and loads the weights.</summary>
    /// <exception cref="UsageException">The device or the weights do not exist, or the device does not support the precision.</exception>
    public LoadedRun Open(ParseResult result)
    {
        DeviceSelection device = CommandHelpers.OpenDevice(result.GetValue(_device));
        CommandHelpers.UseThreads(result.GetValue(_threads));
        Precision? precision = CommandHelpers.PrecisionOf(result.GetValue(_precision), device);
        return LoadedRun.Open(result.GetValue(_run), result.GetValue(_checkpoint) ?? "last", device, precision);
    }

    /// <summary>Pixels between tiles; null: those of the run.</summary>
    public int? Stride(ParseResult result) => result.GetValue(_stride);
}
