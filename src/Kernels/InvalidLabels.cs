using CsUnet.Tensors;

namespace CsUnet.Kernels;

/// <summary>
/// Counts invalid labels, that is labels of no class, which losses find on a CUDA device. A kernel cannot throw, and waiting for it in
/// every loss would stall the device. So the losses count such labels in device memory and make their loss NaN. Code that reads the loss,
/// or updates a model by its gradients, calls <see cref="ThrowIfAny(Device)"/>. On the CPU the losses throw at once.
/// </summary>
public static class InvalidLabels
{
    private static readonly Lock s_lock = new();
    private static readonly Dictionary<Device, Count> s_counts = [];

    private sealed record Count(Tensor Word)
    {
        /// <summary>Operator and range of the last loss.</summary>
        public (string Op, string Range) Last { get; set; } = ("loss", "classes");
    }

    /// <summary>
    /// The counter of a CUDA device, int64 (1): the invalid labels since the last <see cref="ThrowIfAny(Device)"/> that threw. Copy it to
    /// the host along with other results of a step. It is allocated on first use, and every call returns the same tensor.
    /// </summary>
    public static Tensor Counter(Device device) => Of(device).Word;

    /// <summary>Reads the counter, which waits for the device; does nothing for the CPU.</summary>
    /// <exception cref="ShapeException">A loss has found an invalid label. The counter is reset to 0.</exception>
    public static void ThrowIfAny(Device device)
    {
        if (device.Kind == DeviceKind.Cuda)
            ThrowIfAny(device, (long)Counter(device).To(Device.Cpu)[0]);
    }

    /// <summary>The same for a count that is already read.</summary>
    /// <param name="device">The CUDA device.</param>
    /// <param name="count">The value of <see cref="Counter"/>.</param>
    /// <exception cref="ShapeException">The count is not 0. The counter is reset to 0.</exception>
    public static void ThrowIfAny(Device device, long count)
    {
        if (count == 0)
            return;
        Count found = Of(device);
        found.Word.Clear();
        string labels = count == 1 ? "1 label is no class" : $"{count} labels are no class";
        throw ShapeException.Because(found.Last.Op, "labels", labels, found.Last.Range);
    }

    /// <summary>The counter for a loss to add to. A later error gives the loss's name and range.</summary>
    internal static Tensor CounterFor(Device device, string op, string range)
    {
        Count found = Of(device);
        found.Last = (op, range);
        return found.Word;
    }

    private static Count Of(Device device)
    {
        lock (s_lock)
        {
            if (!s_counts.TryGetValue(device, out Count? found))
            {
                using StepArena.PersistentScope scope = StepArena.Suspend();
                s_counts.Add(device, found = new Count(Tensor.Zeros([1], DType.Int64, device)));
            }
            return found;
        }
    }
}
