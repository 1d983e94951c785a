using System.Numerics;
using System.Runtime.CompilerServices;
using CsUnet.Kernels.Shapes;
using CsUnet.Tensors;

namespace CsUnet.Kernels.Cpu;

/// <summary>
/// Windowed attention, one window and head at a time. All of its matrices stay in the L1 and L2 caches of one core, and the scores never
/// reach memory. Its five products use the matrix product's micro-kernels on panels of scratch memory.
/// </summary>
/// <remarks>
/// The chunks depend on the shape alone. Nothing is saved: the backward pass computes the scores again.
/// </remarks>
internal static unsafe class Attention
{
    private const double Masked = -100;

    /// <summary>output (B,H,W,C) from qkv (B,H,W,3C) and table ((2·ws-1)², heads).</summary>
    public static void Forward<T>(AttentionShape shape, T* qkv, T* table, T* output, bool narrow = false) where T : unmanaged,
        IFloatingPointIeee754<T>
    {
        if (VectorWidth.Wide && !narrow)
            Forward<T, Kernel512>(shape, qkv, table, output);
        else
            Forward<T, Kernel256>(shape, qkv, table, output);
    }

    /// <summary>Computes dQkv and dTable, each null if not needed, from dOutput; qkv and table as in the forward pass.</summary>
    public static void Backward<T>(
        AttentionShape shape, T* qkv, T* table, T* dOutput, T* dQkv, bool accumulateQkv, T* dTable, bool accumulateTable,
        bool narrow = false)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        if (VectorWidth.Wide && !narrow)
            Backward<T, Kernel512>(shape, qkv, table, dOutput, dQkv, accumulateQkv, dTable, accumulateTable);
        else
            Backward<T, Kernel256>(shape, qkv, table, dOutput, dQkv, accumulateQkv, dTable, accumulateTable);
    }

    private static void Forward<T, TKernel>(AttentionShape shape, T* qkv, T* table, T* output)
        where T : unmanaged, IFloatingPointIeee754<T>
        where TKernel : struct, IMicroKernel
    {
        var chunks = new AttentionChunks(shape);
        T* biases = ExpandBiases(shape, table, Unit<T, TKernel>.ScoreStride(shape.Tokens));
        Workers.Run(chunks.Count, chunk =>
        {
            (int firstWindow, int endWindow, int firstHead, int endHead) = chunks[chunk];
            var unit = new Unit<T, TKernel>(shape, qkv, biases);
            for (int window = firstWindow; window < endWindow; window++)
                for (int head = firstHead; head < endHead; head++)
                {
                    unit.Load(window, head);
                    unit.Forward(output);
                }
        });
    }

    private static void Backward<T, TKernel>(
        AttentionShape shape, T* qkv, T* table, T* dOutput, T* dQkv, bool accumulateQkv, T* dTable, bool accumulateTable)
        where T : unmanaged, IFloatingPointIeee754<T>
        where TKernel : struct, IMicroKernel
    {
        var chunks = new AttentionChunks(shape);
        int ranges = chunks.Ranges, tokens = shape.Tokens, stride = Unit<T, TKernel>.ScoreStride(tokens);
        nint area = (nint)tokens * stride;
        T* biases = ExpandBiases(shape, table, stride);
        // sums[head][range]: dScores summed over a range of windows. This is the gradient of the bias before it is folded into the table.
        T* sums = dTable == null ? null : Scratch.Rent<T>(ScratchSlot.Partials, shape.Heads * ranges * area);
        Workers.Run(chunks.Count, chunk =>
        {
            (int firstWindow, int endWindow, int firstHead, int endHead) = chunks[chunk];
            int range = chunks.Range(chunk);
            if (sums != null)
                for (int head = firstHead; head < endHead; head++)
                    new Span<T>(sums + (head * ranges + range) * area, checked((int)area)).Clear();
            var unit = new Unit<T, TKernel>(shape, qkv, biases);
            for (int window = firstWindow; window < endWindow; window++)
                for (int head = firstHead; head < endHead; head++)
                {
                    unit.Load(window, head);
                    unit.Backward(dOutput, dQkv, accumulateQkv, sums == null ? null : sums + (head * ranges + range) * area);
                }
        });
        if (dTable == null)
            return;
        Workers.Run(shape.Heads, head =>
        {
            T* sum = sums + head * ranges * area;
            for (int range = 1; range < ranges; range++)
                Simd.Add(sum + range * area, sum, area);
            int ws = shape.Window, across = 2 * ws - 1;
            if (!accumulateTable)
                for (int row = 0; row < across * across; row++)
                    dTable[row * shape.Heads + head] = T.Zero;
            for (int i = 0; i < tokens; i++)
                for (int jy = 0; jy < ws; jy++)
                {
                    T* entry = dTable + ((nint)(i / ws - jy + ws - 1) * across + i % ws + ws - 1) * shape.Heads + head;
                    T* gradient = sum + i * stride + jy * ws;
                    for (int jx = 0; jx < ws; jx++)
                        entry[-(nint)jx * shape.Heads] += gradient[jx];
                }
        });
    }

    /// <summary>
    /// biases[head][kind][i][j] = table[(iy-jy+ws-1)·(2ws-1) + (ix-jx+ws-1), head] + mask, in scratch memory of the calling thread.
    /// <see cref="AttentionShape.BiasKind"/> defines the kinds.
    /// </summary>
    private static T* ExpandBiases<T>(AttentionShape shape, T* table, int stride) where T : unmanaged, IFloatingPointIeee754<T>
    {
        int kinds = shape.BiasKinds, n = shape.Tokens, ws = shape.Window, heads = shape.Heads, edge = ws - shape.Shift;
        T* biases = Scratch.Rent<T>(ScratchSlot.SharedColumns, (long)heads * kinds * n * stride);
        Workers.Run(heads * kinds, part =>
        {
            int head = part / kinds, kind = part % kinds;
            bool lastRow = (kind & 2) != 0, lastColumn = (kind & 1) != 0;
            T masked = T.CreateChecked(Masked), padding = T.CreateChecked(-1e30);
            T* bias = biases + (nint)part * n * stride;
            for (int i = 0; i < n; i++, bias += stride)
            {
                int iy = i / ws, ix = i % ws;
                for (int jy = 0; jy < ws; jy++)
                {
                    T* entry = table + ((nint)(iy - jy + ws - 1) * (2 * ws - 1) + ix + ws - 1) * heads + head;
                    // Two tokens of the last row of windows are masked if the end of the grid lies between them; the same for columns.
                    bool apart = lastRow && iy >= edge != jy >= edge;
                    for (int jx = 0; jx < ws; jx++)
                        bias[jy * ws + jx] = apart || (lastColumn && ix >= edge != jx >= edge)
                            ? entry[-(nint)jx * heads] + masked
                            : entry[-(nint)jx * heads];
                }
                // Padding columns: their exponentials are negligible beside that of the row's maximum.
                for (int j = n; j < stride; j++)
                    bias[j] = padding;
            }
        });
        return biases;
    }

    /// <summary>The work on one window and head at a time, in the calling thread's scratch memory.</summary>
    private struct Unit<T, TKernel> where T : unmanaged, IFloatingPointIeee754<T> where TKernel : struct, IMicroKernel
    {
        private readonly AttentionShape _shape;
        private readonly int _depth, _depthStride, _wide, _rowPanels, _keyPanels, _depthPanels;
        private readonly nint _stride, _keys;
        private readonly int* _tokens, _next;
        private int _window, _head;
        private readonly T* _qkv, _biases, _query, _key, _value, _other, _scores, _dScores, _result, _rows, _columns;

        public Unit(AttentionShape shape, T* qkv, T* biases)
        {
            int n = shape.Tokens, width = TKernel.Columns<T>();
            _shape = shape;
            _tokens = Scratch.Rent<int>(ScratchSlot.Row, 2 * n);
            _next = _tokens + n;
            _window = -1;
            _qkv = qkv;
            _depth = shape.HeadChannels;
            _depthStride = PanelDepth.RoundUp(_depth);
            _rowPanels = Ceiling.Divide(n, TKernel.Rows);
            _keyPanels = Ceiling.Divide(n, width);
            _depthPanels = Ceiling.Divide(_depth, width);
            _wide = _depthPanels * width;
            _stride = ScoreStride(n);
            _keys = (nint)_keyPanels * width;
            int rows = _rowPanels * TKernel.Rows;
            nint scores = rows * _stride, matrix = (nint)rows * _depthStride;
            nint panels = Math.Max(scores, Math.Max(matrix, (nint)PanelDepth.RoundUp(n) * Math.Max(rows, _wide)));
            T* next = Scratch.Rent<T>(ScratchSlot.Attention, 4 * matrix + 2 * scores + (nint)rows * _wide + 2 * panels);
            _biases = biases;
            _query = Take(ref next, matrix);
            _key = Take(ref next, matrix);
            _value = Take(ref next, matrix);
            _other = Take(ref next, matrix);
            _scores = Take(ref next, scores);
            _dScores = Take(ref next, scores);
            _result = Take(ref next, (nint)rows * _wide);
            _rows = Take(ref next, panels);
            _columns = Take(ref next, panels);
        }

        private static T* Take(ref T* next, nint count)
        {
            T* block = next;
            next += count;
            return block;
        }

        /// <summary>
        /// Elements from one row of scores to the next: a whole number of panels, of keys or of the transposed left operand.
        /// </summary>
        public static int ScoreStride(int tokens)
        {
            int rows = Ceiling.Divide(tokens, TKernel.Rows) * TKernel.Rows;
            int columns = (tokens + TKernel.Columns<T>() - 1) / TKernel.Columns<T>() * TKernel.Columns<T>();
            return PanelDepth.RoundUp(Math.Max(rows, columns));
        }

        public readonly void Forward(T* output)
        {
            int n = _shape.Tokens;
            T* inverse = stackalloc T[n];
            Scores(inverse);
            PackRows(_scores, _stride, n);
            Multiply<BlockedLayout>(_depthPanels, n, Columns(_value), _result, _wide);
            for (int i = 0; i < n; i++)
            {
                T* target = output + (nint)_tokens[i] * _shape.Channels + (nint)_head * _depth;
                Scale(_result + (nint)i * _wide, inverse[i], target, _depth, false);
            }
        }

        public readonly void Backward(T* dOutput, T* dQkv, bool accumulate, T* dBias)
        {
            int n = _shape.Tokens;
            T* inverse = stackalloc T[n];
            Prefetch(dOutput, 1);
            if (dQkv != null)
                Prefetch(dQkv, 3);
            Scores(inverse);
            for (int i = 0; i < n; i++)
            {
                Panels.CopyRun(
                    dOutput + (nint)_tokens[i] * _shape.Channels, _head * _depth, _other + (nint)i * _depthStride, _depth);
                ScorePasses<T, TKernel>.Scale(_scores + i * _stride, inverse[i], _keys);
            }
            if (dQkv != null)
            {
                // dV = Pᵀ · dO
                PackTransposed(_scores);
                Multiply<InterleavedLayout>(_depthPanels, n, Columns(_other), _result, _wide);
                Scatter(2, T.One, dQkv, accumulate);
            }
            // dP = dO · Vᵀ, then dS = P ∘ (dP - Σ P ∘ dP)
            PackRows(_other, _depthStride, _depth);
            PackKeys(_value);
            Multiply<BlockedLayout>(_keyPanels, _depth, _columns, _dScores, _stride);
            for (int i = 0; i < n; i++)
                ScorePasses<T, TKernel>.SoftmaxBackward(
                    _scores + i * _stride, _dScores + i * _stride, dBias == null ? null : dBias + i * _stride, _keys);
            if (dQkv == null)
                return;
            // dQ = dS · K / √d, dK = dSᵀ · (Q / √d)
            PackRows(_dScores, _stride, n);
            Multiply<BlockedLayout>(_depthPanels, n, Columns(_key), _result, _wide);
            Scatter(0, InverseRoot, dQkv, accumulate);
            PackTransposed(_dScores);
            Multiply<InterleavedLayout>(_depthPanels, n, Columns(_query), _result, _wide);
            Scatter(1, T.One, dQkv, accumulate);
        }

        private readonly T InverseRoot => T.One / T.Sqrt(T.CreateChecked(_depth));

        /// <summary>Loads query = q / √d, key and value: the window's tokens as rows of <see cref="_depthStride"/> elements.</summary>
        public void Load(int window, int head)
        {
            if (window != _window)
            {
                _shape.ListTokens(window, _tokens);
                _shape.ListTokens(Math.Min(window + 1, _shape.Windows - 1), _next);
            }
            _window = window;
            _head = head;
            int channels = _shape.Channels;
            Prefetch(_qkv, 3);
            T scale = InverseRoot;
            for (int i = 0; i < _shape.Tokens; i++)
            {
                T* source = _qkv + (nint)_tokens[i] * 3 * channels + (nint)_head * _depth;
                nint row = (nint)i * _depthStride;
                Scale(source, scale, _query + row, _depth, false);
                Panels.CopyRun(source, channels, _key + row, _depth);
                Panels.CopyRun(source, 2 * channels, _value + row, _depth);
            }
        }

        /// <summary>
        /// Prefetches this head's part of the next window into the L2 cache, because the rows of a window are too short for the hardware to
        /// see a pattern. Stage 1 of a Swin at 224, forward, on a busy machine: 2.25 -> 1.65 ms. At stages 2 and 3 it gains nothing, and
        /// its instructions take 0.2 of 4 µs per window and head.
        /// </summary>
        private readonly void Prefetch(T* matrix, int parts)
        {
            nint bytes = (nint)_depth * sizeof(T);
            for (int i = 0; i < _shape.Tokens; i++)
                for (int part = 0; part < parts; part++)
                {
                    byte* start = (byte*)(matrix + ((nint)_next[i] * parts + part) * _shape.Channels + (nint)_head * _depth);
                    for (nint offset = 0; offset < bytes; offset += 64)
                        Panels.Prefetch(start + offset);
                }
        }

        /// <summary>scores = exp(query · keyᵀ + bias - row maximum); inverse = 1 / row sums.</summary>
        private readonly void Scores(T* inverse)
        {
            int n = _shape.Tokens;
            PackRows(_query, _depthStride, _depth);
            PackKeys(_key);
            Multiply<BlockedLayout>(_keyPanels, _depth, _columns, _scores, _stride);
            T* bias = _biases + ((nint)_head * _shape.BiasKinds + _shape.BiasKind(_window)) * n * _stride;
            for (int i = 0; i < n; i++)
                ScorePasses<T, TKernel>.SubtractMaximum(_scores + i * _stride, bias + i * _stride, _keys);
            // One flat pass over all rows: row by row, each row would wait for its chain of dependent instructions.
            VectorMath.Exp(_scores, _scores, n * _stride, wide: typeof(TKernel) == typeof(Kernel512));
            for (int i = 0; i < n; i++)
                inverse[i] = T.One / ScorePasses<T, TKernel>.Sum(_scores + i * _stride, _keys);
        }

        /// <summary>Writes the rows of the result to part 0, 1 or 2 (q, k, v) of the tokens' gradients.</summary>
        private readonly void Scatter(int part, T scale, T* dQkv, bool accumulate)
        {
            for (int i = 0; i < _shape.Tokens; i++)
            {
                nint token = _tokens[i];
                Scale(_result + (nint)i * _wide, scale, dQkv + (token * 3 + part) * _shape.Channels + (nint)_head * _depth, _depth,
                    accumulate);
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static void Scale(T* source, T scale, T* target, int n, bool accumulate)
        {
            var factor = new Vector<T>(scale);
            int j = 0;
            for (; j + Vector<T>.Count <= n; j += Vector<T>.Count)
            {
                Vector<T> value = Simd.Load(source + j) * factor;
                (accumulate ? value + Simd.Load(target + j) : value).Store(target + j);
            }
            for (; j < n; j++)
                target[j] = accumulate ? target[j] + source[j] * scale : source[j] * scale;
        }

        /// <summary>Packs the rows of a matrix into left panels.</summary>
        private readonly void PackRows(T* matrix, nint stride, int depth)
        {
            var source = new RowMajorRows<T>(matrix, stride);
            nint size = (nint)TKernel.Rows * PanelDepth.RoundUp(depth);
            for (int panel = 0, row = 0; panel < _rowPanels; panel++, row += TKernel.Rows)
                source.Pack<TKernel>(row, Math.Min(TKernel.Rows, _shape.Tokens - row), 0, depth, _rows + panel * size);
        }

        /// <summary>Packs the columns of a score matrix into left panels, that is its transpose.</summary>
        private readonly void PackTransposed(T* scores)
        {
            var source = new ColumnMajorRows<T>(scores, _stride);
            nint size = (nint)TKernel.Rows * PanelDepth.RoundUp(_shape.Tokens);
            for (int panel = 0, row = 0; panel < _rowPanels; panel++, row += TKernel.Rows)
                source.Pack<TKernel>(row, TKernel.Rows, 0, _shape.Tokens, _rows + panel * size);
        }

        /// <summary>Packs the transpose of a token matrix into right panels.</summary>
        private readonly void PackKeys(T* matrix)
        {
            int width = TKernel.Columns<T>();
            var source = new ColumnMajorColumns<T>(matrix, _depthStride);
            for (int panel = 0, column = 0; panel < _keyPanels; panel++, column += width)
                source.Pack<TKernel>(column, Math.Min(width, _shape.Tokens - column), 0, _depth, _columns + (nint)panel * width * _depth);
        }

        /// <summary>
        /// A token matrix as right panels; the matrix itself if it already is one panel, as for 32 channels and 512-bit vectors.
        /// </summary>
        private readonly T* Columns(T* matrix)
        {
            int width = TKernel.Columns<T>();
            if (_depth == width && _depthStride == width)
                return matrix;
            var source = new RowMajorColumns<T>(matrix, _depthStride);
            for (int panel = 0, column = 0; panel < _depthPanels; panel++, column += width)
                source.Pack<TKernel>(
                    column, Math.Min(width, _depth - column), 0, _shape.Tokens, _columns + (nint)panel * width * _shape.Tokens);
            return _columns;
        }

        /// <summary>c = left panels · right panels; c must have room for whole tiles.</summary>
        private readonly void Multiply<TLayout>(int columnPanels, int depth, T* columns, T* c, nint stride) where TLayout : struct,
            IPanelLayout
        {
            int width = TKernel.Columns<T>();
            nint size = (nint)TKernel.Rows * PanelDepth.RoundUp(depth);
            for (int panel = 0; panel < columnPanels; panel++)
                for (int row = 0; row < _rowPanels; row++)
                    TKernel.Multiply<T, TLayout>(
                        depth, _rows + row * size, columns + (nint)panel * width * depth, c + row * TKernel.Rows * stride + panel * width,
                        stride, false, null);
        }
    }
}
