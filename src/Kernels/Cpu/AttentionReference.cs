using System.Numerics;
using CsUnet.Kernels.Shapes;

namespace CsUnet.Kernels.Cpu;

/// <summary>
/// Windowed attention as plain loops, the reference implementation of <see cref="WindowAttention"/>. For every window and head, with
/// queries i and keys j: S[i,j] = q[i]·k[j] / √d + bias[i,j] + mask[i,j], P = softmax of the rows of S, output[i] = Σj P[i,j] v[j].
/// With dP[i,j] = dOutput[i]·v[j] and dS[i,j] = P[i,j] (dP[i,j] - Σk P[i,k] dP[i,k]):
/// dq[i] = Σj dS[i,j] k[j] / √d, dk[j] = Σi dS[i,j] q[i] / √d, dv[j] = Σi P[i,j] dOutput[i]. dS[i,j] is added to the gradient of the table
/// entry that gives bias[i,j].
/// </summary>
public static unsafe class AttentionReference
{
    private const double Masked = -100;

    /// <summary>output (B,H,W,C) from qkv (B,H,W,3C) and table ((2·ws-1)², heads).</summary>
    public static void Forward<T>(AttentionShape shape, T* qkv, T* table, T* output) where T : unmanaged, IFloatingPointIeee754<T>
    {
        int depth = shape.HeadChannels, n = shape.Tokens;
        T[] p = new T[n];
        for (int window = 0; window < shape.Windows; window++)
            for (int head = 0; head < shape.Heads; head++)
                for (int i = 0; i < n; i++)
                {
                    Probabilities(shape, qkv, table, window, head, i, p);
                    T* result = output + Place(shape, window, head, i, part: 0, parts: 1);
                    new Span<T>(result, depth).Clear();
                    for (int j = 0; j < n; j++)
                    {
                        T* value = qkv + Place(shape, window, head, j, Value);
                        for (int c = 0; c < depth; c++)
                            result[c] += p[j] * value[c];
                    }
                }
    }

    /// <summary>
    /// Computes dQkv and dTable, each null if not needed, from dOutput (B,H,W,C). Each is overwritten, or added to if asked for.
    /// </summary>
    public static void Backward<T>(
        AttentionShape shape, T* qkv, T* table, T* dOutput, T* dQkv, bool accumulateQkv, T* dTable, bool accumulateTable)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        int depth = shape.HeadChannels, n = shape.Tokens, across = 2 * shape.Window - 1;
        if (dQkv != null && !accumulateQkv)
            new Span<T>(dQkv, checked(3 * shape.Windows * n * shape.Channels)).Clear();
        if (dTable != null && !accumulateTable)
            new Span<T>(dTable, across * across * shape.Heads).Clear();
        T scale = T.One / T.Sqrt(T.CreateChecked(depth));
        T[] p = new T[n], dP = new T[n];
        for (int window = 0; window < shape.Windows; window++)
            for (int head = 0; head < shape.Heads; head++)
                for (int i = 0; i < n; i++)
                {
                    nint query = Place(shape, window, head, i, Query);
                    T* dResult = dOutput + Place(shape, window, head, i, part: 0, parts: 1);
                    Probabilities(shape, qkv, table, window, head, i, p);
                    T mean = T.Zero;
                    for (int j = 0; j < n; j++)
                    {
                        dP[j] = Dot(dResult, qkv + Place(shape, window, head, j, Value), depth);
                        mean += p[j] * dP[j];
                    }
                    for (int j = 0; j < n; j++)
                    {
                        nint key = Place(shape, window, head, j, Key), value = Place(shape, window, head, j, Value);
                        T dS = p[j] * (dP[j] - mean);
                        if (dTable != null)
                            dTable[TableEntry(shape, head, i, j)] += dS;
                        if (dQkv == null)
                            continue;
                        for (int c = 0; c < depth; c++)
                        {
                            dQkv[query + c] += dS * scale * qkv[key + c];
                            dQkv[key + c] += dS * scale * qkv[query + c];
                            dQkv[value + c] += p[j] * dResult[c];
                        }
                    }
                }
    }

    // Parts of a token's channels in qkv.
    private const int Query = 0, Key = 1, Value = 2;

    /// <summary>p[j] = P[i,j] of a window and head.</summary>
    private static void Probabilities<T>(AttentionShape shape, T* qkv, T* table, int window, int head, int i, T[] p)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        int depth = shape.HeadChannels;
        T scale = T.One / T.Sqrt(T.CreateChecked(depth)), largest = T.NegativeInfinity, sum = T.Zero;
        T* query = qkv + Place(shape, window, head, i, Query);
        for (int j = 0; j < p.Length; j++)
        {
            p[j] = Dot(query, qkv + Place(shape, window, head, j, Key), depth) * scale + table[TableEntry(shape, head, i, j)];
            if (Region(shape, window, i) != Region(shape, window, j))
                p[j] += T.CreateChecked(Masked);
            largest = T.Max(largest, p[j]);
        }
        // Subtract the largest number: it changes no quotient, and no exponential overflows.
        for (int j = 0; j < p.Length; j++)
            sum += p[j] = T.Exp(p[j] - largest);
        for (int j = 0; j < p.Length; j++)
            p[j] /= sum;
    }

    private static T Dot<T>(T* a, T* b, int count) where T : unmanaged, IFloatingPointIeee754<T>
    {
        T sum = T.Zero;
        for (int c = 0; c < count; c++)
            sum += a[c] * b[c];
        return sum;
    }

    /// <summary>The index of the first channel of a window's token and head in (B,H,W,parts·C).</summary>
    private static nint Place(AttentionShape shape, int window, int head, int token, int part, int parts = 3)
    {
        // windows[b,wy,wx,iy,ix] = tokens[b,(wy*ws+iy+shift)%H,(wx*ws+ix+shift)%W]
        (int row, int column) = Shifted(shape, window, token);
        nint b = window / (shape.Height / shape.Window * (shape.Width / shape.Window));
        nint at = (b * shape.Height + (row + shape.Shift) % shape.Height) * shape.Width + (column + shape.Shift) % shape.Width;
        return (at * parts + part) * shape.Channels + (nint)head * shape.HeadChannels;
    }

    /// <summary>Row and column of a window's token in the shifted grid.</summary>
    private static (int Row, int Column) Shifted(AttentionShape shape, int window, int token)
    {
        int ws = shape.Window, across = shape.Width / ws, down = shape.Height / ws;
        int wy = window / across % down, wx = window % across;
        return (wy * ws + token / ws, wx * ws + token % ws);
    }

    /// <summary>table[(iy-jy+ws-1)·(2ws-1) + (ix-jx+ws-1), head] is the bias of query i and key j.</summary>
    private static nint TableEntry(AttentionShape shape, int head, int i, int j)
    {
        int ws = shape.Window, dy = i / ws - j / ws, dx = i % ws - j % ws;
        return ((nint)(dy + ws - 1) * (2 * ws - 1) + dx + ws - 1) * shape.Heads + head;
    }

    /// <summary>
    /// The side of the grid that a token of a shifted window comes from; tokens of different sides do not attend to each other.
    /// </summary>
    private static int Region(AttentionShape shape, int window, int token)
    {
        if (shape.Shift == 0)
            return 0;
        (int row, int column) = Shifted(shape, window, token);
        int vertical = row < shape.Height - shape.Window ? 0 : row < shape.Height - shape.Shift ? 1 : 2;
        int horizontal = column < shape.Width - shape.Window ? 0 : column < shape.Width - shape.Shift ? 1 : 2;
        return 3 * vertical + horizontal;
    }
}
