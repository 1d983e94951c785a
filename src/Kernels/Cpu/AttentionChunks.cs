using CsUnet.Kernels.Shapes;

namespace CsUnet.Kernels.Cpu;

/// <summary>
/// Splits an attention into about 16 chunks for the threads: ranges of windows and, if there are few windows, groups of heads. Heads are
/// the inner loop, because they share the tokens' cache lines.
/// </summary>
internal readonly struct AttentionChunks(AttentionShape shape)
{
    private const int Wanted = 16;

    private readonly int _groups = Math.Clamp(Wanted / Math.Clamp(shape.Windows, 1, Wanted), 1, shape.Heads);

    /// <summary>The number of chunks.</summary>
    public int Count => Ranges * _groups;

    /// <summary>The number of ranges of windows.</summary>
    public int Ranges { get; } = Math.Clamp(shape.Windows, 1, Wanted);

    /// <summary>A chunk's range.</summary>
    public int Range(int chunk) => chunk / _groups;

    /// <summary>A chunk's windows and heads.</summary>
    public (int FirstWindow, int EndWindow, int FirstHead, int EndHead) this[int chunk]
    {
        get
        {
            int range = chunk / _groups, group = chunk % _groups;
            return (BlockedProduct.Part(shape.Windows, range, Ranges), BlockedProduct.Part(shape.Windows, range + 1, Ranges),
                BlockedProduct.Part(shape.Heads, group, _groups), BlockedProduct.Part(shape.Heads, group + 1, _groups));
        }
    }
}
