namespace CsUnet.Cli;

/// <summary>The JSON that <c>bench step</c>, <c>lab bench</c> and <c>lab project</c> write, in the order of the files.</summary>
internal static class JsonFiles
{
    /// <summary>A timed training step.</summary>
    internal sealed record StepFile(
        string What, string Date, string Command, string Version, string? Commit, MachineEntry Machine, string Device, string Precision,
        string Model, int Height, int Width, int Batch, int Threads, long Parameters, double StepSeconds,
        IReadOnlyList<double> StepSecondsAll, double InferenceSeconds, double ForwardSeconds, double BackwardSeconds,
        double OptimizerSeconds, double DataSeconds, int Launches, long ArenaBytes, long PeakWorkingSetBytes, long MultiplyAddsForward,
        double? PeakGflops, double? FmaPeakShare, IReadOnlyList<ShareEntry> Operators, IReadOnlyList<ShareEntry> Layers);

    /// <summary>The machine.</summary>
    internal sealed record MachineEntry(string Processor, int Cores, int VectorBits, string System, string Runtime);

    /// <summary>The part of a step spent in an operator or layer.</summary>
    internal sealed record ShareEntry(string Name, int Calls, double ForwardSeconds, double BackwardSeconds, long MultiplyAdds,
        int Launches);

    /// <summary>Timed operators.</summary>
    internal sealed record LabFile(
        string What, string Date, string Command, string? Commit, string Device, string Processor, string Runtime,
        double CeilingBytesPerSecond, double CeilingFlopsPerSecond, string Ceilings, ErrorsEntry? MeasuredOverProjected,
        IReadOnlyList<LabEntry> Rows, IReadOnlyList<string> Failed);

    /// <summary>The error of a projection.</summary>
    internal sealed record ErrorsEntry(string Gpu, double Median, double Least, double Most, int Rows);

    /// <summary>A timed pass.</summary>
    internal sealed record LabEntry(
        string Name, double Seconds, double Low, double High, int Runs, long Bytes, double Flops, double PeakShare,
        double? ProjectedSeconds, int? Registers, int? SharedBytes, int? SpillBytes, double? Occupancy, IReadOnlyList<string> Launches,
        string? Baseline, double? BaselineSeconds);

    /// <summary>Projected operators.</summary>
    internal sealed record ProjectionFile(string What, string Gpu, string Command, string? Commit, IReadOnlyList<ProjectionEntry> Rows);

    /// <summary>A projected pass.</summary>
    internal sealed record ProjectionEntry(string Name, double Seconds, string Limit, int Launches);
}
