using CsUnet.Autograd;

namespace CsUnet.Lab;

/// <summary>The share of an operator or layer in the time of a traced step.</summary>
/// <param name="Name">The operator or layer.</param>
/// <param name="Calls">Forward calls.</param>
/// <param name="Forward">Time of its forward calls.</param>
/// <param name="Backward">Time of its backward calls.</param>
/// <param name="MultiplyAdds">Multiply-adds of its forward calls.</param>
/// <param name="Launches">Kernels that it launched, in both passes; 0 on the CPU.</param>
public sealed record TraceShare(string Name, int Calls, TimeSpan Forward, TimeSpan Backward, long MultiplyAdds, int Launches)
{
    /// <summary>Time of both passes.</summary>
    public TimeSpan Total => Forward + Backward;

    /// <summary>
    /// Forward and backward GFLOP/s, counting a backward call as twice its forward; 0 for operators without matrix products.
    /// </summary>
    public double Rate => MultiplyAdds == 0 ? 0 : Flops / Total.TotalSeconds / 1e9;

    /// <summary>Floating-point operations, counting a backward call as twice its forward.</summary>
    public double Flops => 2.0 * MultiplyAdds * (Backward > TimeSpan.Zero ? 3 : 1);

    /// <summary>Sums a trace by operator, the slowest first.</summary>
    public static IReadOnlyList<TraceShare> ByOperator(OperatorTrace trace) =>
        [.. Group(trace, entry => entry.Operator.Name).OrderByDescending(share => share.Total)];

    /// <summary>Sums a trace by layer, in the order of the forward pass; calls without a layer go under their operator's name.</summary>
    public static IReadOnlyList<TraceShare> ByLayer(OperatorTrace trace) => Group(trace, entry => entry.Layer ?? entry.Operator.Name);

    /// <summary>
    /// Sums layers by the first parts of their paths: <c>encoder.layers.0.blocks.1.mlp</c> goes to <c>encoder.layers.0</c>.
    /// </summary>
    public static IReadOnlyList<TraceShare> ByPart(IReadOnlyList<TraceShare> layers) => [.. layers
        .GroupBy(layer => string.Join('.', layer.Name.Split('.').Take(3)))
        .Select(part =>
            new TraceShare(part.Key, part.Sum(layer => layer.Calls), Sum(part, layer => layer.Forward), Sum(part, layer => layer.Backward),
            part.Sum(layer => layer.MultiplyAdds), part.Sum(layer => layer.Launches)))];

    private static IReadOnlyList<TraceShare> Group(OperatorTrace trace, Func<OperatorTrace.Entry, string> name)
    {
        IReadOnlyList<OperatorTrace.Entry> entries = trace.Entries;
        return
        [
            .. entries.Select((entry, i) => (Entry: entry, Launches: entry.LaunchesSoFar - (i == 0 ? 0 : entries[i - 1].LaunchesSoFar)))
                .GroupBy(call => name(call.Entry))
                .Select(group => new TraceShare(
                    group.Key,
                    group.Count(call => !call.Entry.IsBackward),
                    Sum(group.Where(call => !call.Entry.IsBackward), call => call.Entry.Elapsed),
                    Sum(group.Where(call => call.Entry.IsBackward), call => call.Entry.Elapsed),
                    group.Where(call => !call.Entry.IsBackward).Sum(call => call.Entry.MultiplyAdds),
                    group.Sum(call => call.Launches))),
        ];
    }

    private static TimeSpan Sum<T>(IEnumerable<T> items, Func<T, TimeSpan> time) => TimeSpan.FromTicks(items.Sum(item => time(item).Ticks));
}
