using System.Diagnostics;
using CsUnet.Kernels;
using CsUnet.Kernels.Cuda;
using CsUnet.Tensors;

namespace CsUnet.Autograd;

/// <summary>
/// Counts and times operator calls on this thread until it is disposed. FLOP counts and times per operator come from it. On a CUDA device
/// it waits for each call, so that the measured time is that of the kernels.
/// </summary>
public sealed class OperatorTrace : IDisposable
{
    [ThreadStatic] private static OperatorTrace? t_current;
    private readonly OperatorTrace? _previous;
    private readonly List<Entry> _entries = [];
    private readonly Func<IEnumerable<Tensor>, string?>? _layerOf;

    /// <summary>Starts tracing on this thread, until disposed.</summary>
    /// <param name="layerOf">Returns the name of a call's layer from its inputs, or null if they do not tell; if omitted, no call has a
    /// layer.</param>
    public OperatorTrace(Func<IEnumerable<Tensor>, string?>? layerOf = null)
    {
        _layerOf = layerOf;
        _previous = t_current;
        t_current = this;
    }

    /// <summary>One call of an operator, forward or backward.</summary>
    /// <param name="Operator">The operator and its settings.</param>
    /// <param name="Inputs">The inputs' shapes, null for absent ones.</param>
    /// <param name="Output">The output's shape.</param>
    /// <param name="IsBackward">Which pass.</param>
    /// <param name="MultiplyAdds">Multiply-adds of the forward call (<see cref="Operator.MultiplyAdds"/>).</param>
    /// <param name="Elapsed">Wall time; on a CUDA device until its work is done.</param>
    /// <param name="LaunchesSoFar">The number of launches in the thread's <see cref="LaunchTrace"/> when the call ended; 0 without a
    /// trace.</param>
    /// <param name="Layer">The call's layer; null if unknown.</param>
    public sealed record Entry(
        Operator Operator, IReadOnlyList<Shape?> Inputs, Shape Output, bool IsBackward, long MultiplyAdds, TimeSpan Elapsed,
        int LaunchesSoFar, string? Layer)
    {
        /// <summary>The inputs' element types, null for absent ones.</summary>
        public IReadOnlyList<DType?> Types { get; init; } = [];

        /// <summary>Which inputs need a gradient.</summary>
        public IReadOnlyList<bool> NeedsGradient { get; init; } = [];

        /// <summary>The variant that computed the call; null: the default one.</summary>
        public KernelChoice? Choice { get; init; }
    }

    /// <summary>The trace that records on this thread, or null.</summary>
    public static OperatorTrace? Current => t_current;

    /// <summary>The calls so far, in order.</summary>
    public IReadOnlyList<Entry> Entries => _entries;

    internal void Add(OperatorCall call, bool backward, long start)
    {
        if (call.Output.Device.Kind == DeviceKind.Cuda)
            call.Output.CudaDevice.Synchronize();
        _entries.Add(new Entry(
            call.Operator, [.. call.Inputs.Select(input => input?.Shape)], call.Output.Shape, backward, call.Operator.MultiplyAdds(call),
            Stopwatch.GetElapsedTime(start), LaunchTrace.Current?.Entries.Count ?? 0, _layerOf?.Invoke(call.Inputs.OfType<Tensor>()))
        {
            Types = [.. call.Inputs.Select(input => input?.DType)],
            NeedsGradient = [.. call.Inputs.Select((_, i) => call.Needs(i))],
            Choice = call.Choice,
        });
    }

    /// <summary>Stops tracing.</summary>
    public void Dispose() => t_current = _previous;
}
