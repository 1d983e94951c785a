namespace CsUnet.Kernels.Cpu;

/// <summary>Windows as the left operand: rows are grid pixels.</summary>
internal readonly unsafe struct WindowRows<T>(Windows<T> windows) : IRowSource<T, BlockedLayout> where T : unmanaged
{
    /// <inheritdoc />
    public void Pack<TKernel>(int row, int count, int depth, int length, T* panel) where TKernel : struct, IMicroKernel
    {
        int run = windows.Run;
        bool whole = run % PanelDepth.Block == 0;
        T* line = whole ? null : Scratch.Rent<T>(ScratchSlot.Row, length + PanelDepth.Block);
        Windows<T>.Place place = windows.At(row);
        for (int r = 0; r < TKernel.Rows; r++, panel += PanelDepth.Block)
        {
            if (r >= count)
            {
                T* target = panel;
                for (int k = 0; k < length; k += PanelDepth.Block, target += TKernel.Rows * PanelDepth.Block)
                    Panels.ZeroBlock(target);
                continue;
            }
            if (whole)
                PackBlocks<TKernel>(place, depth, length, panel);
            else
                PackLine<TKernel>(place, depth, length, line, panel);
            place = windows.Next(place);
        }
    }

    /// <summary>Packs runs of whole blocks directly into the panel.</summary>
    private void PackBlocks<TKernel>(Windows<T>.Place place, int depth, int length, T* target) where TKernel : struct, IMicroKernel
    {
        int run = windows.Run, tap = depth / run, offset = depth % run;
        for (int left = length; left > 0; tap++, offset = 0)
        {
            int part = Math.Min(run - offset, left);
            left -= part;
            T* source = windows.Source(place, tap);
            if (source == null)
            {
                for (; part > 0; part -= PanelDepth.Block, target += TKernel.Rows * PanelDepth.Block)
                    Panels.ZeroBlock(target);
                continue;
            }
            for (source += offset; part > 0; part -= PanelDepth.Block, source += PanelDepth.Block,
                target += TKernel.Rows * PanelDepth.Block)
                Panels.CopyBlock(source, target);
        }
    }

    /// <summary>Assembles other runs in a line first, and then copies the line by blocks.</summary>
    private void PackLine<TKernel>(Windows<T>.Place place, int depth, int length, T* line, T* target) where TKernel : struct, IMicroKernel
    {
        int run = windows.Run, tap = depth / run, offset = depth % run;
        for (int k = 0; k < length; tap++, offset = 0)
        {
            int part = Math.Min(run - offset, length - k);
            Panels.CopyRun(windows.Source(place, tap), offset, line + k, part);
            k += part;
        }
        for (int k = 0; k < length; k += PanelDepth.Block, target += TKernel.Rows * PanelDepth.Block)
            Panels.CopyBlock(line + k, target);
    }
}
