using CsUnet.Kernels.Shapes;

namespace CsUnet.Kernels.Cpu;

/// <summary>
/// How an attention is shared among threads: ranges of windows, and groups of heads where there are few windows; about 16 chunks in all.
/// Heads are the inner loop, as they share the tokens' cache lines.
/// </summary>
internal readonly struct AttentionChunks(AttentionShape shape)
{
    private const int Wanted = 16;

    private readonly int _groups = Math.Clamp(Wanted / Math.Clamp(shape.Windows, 1, Wanted), 1, shape.Heads);

    /// <summary>Number of chunks.</summary>
    public int Count => Ranges * _groups;

    /// <summary>Number of ranges of windows.</summary>
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
