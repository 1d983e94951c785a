namespace CsUnet.Kernels.Cpu;

/// <summary>A[row, k] = Data[row * Stride + k].</summary>
internal readonly unsafe struct RowMajorRows<T>(T* data, nint stride) : IRowSource<T, BlockedLayout> where T : unmanaged
{
    /// <inheritdoc />
    public void Pack<TKernel>(int row, int count, int depth, int length, T* panel) where TKernel : struct, IMicroKernel
    {
        int full = length & -PanelDepth.Block, rest = length - full;
        for (int r = 0; r < TKernel.Rows; r++, panel += PanelDepth.Block)
        {
            T* target = panel;
            if (r >= count)
            {
                for (int k = 0; k < length; k += PanelDepth.Block, target += TKernel.Rows * PanelDepth.Block)
                    Panels.ZeroBlock(target);
                continue;
            }
            T* source = data + (row + r) * stride + depth;
            for (int k = 0; k < full; k += PanelDepth.Block, target += TKernel.Rows * PanelDepth.Block)
            {
                // Prefetch the next panel's row. This saves 3 to 10 % of the time of products with up to 384 columns whose rows come from
                // memory.
                Panels.Prefetch(source + TKernel.Rows * stride + k);
                Panels.CopyBlock(source + k, target);
            }
            for (int k = 0; k < rest; k++)
                target[k] = source[full + k];
        }
    }
}
