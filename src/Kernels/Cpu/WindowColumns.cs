using System.Runtime.CompilerServices;

namespace CsUnet.Kernels.Cpu;

/// <summary>Windows as the right operand, for the gradient of the weight: depths are grid pixels, columns are taps and channels.</summary>
internal readonly unsafe struct WindowColumns<T>(Windows<T> windows) : IColumnSource<T> where T : unmanaged
{
    /// <inheritdoc />
    public void Pack<TKernel>(int column, int count, int depth, int length, T* panel) where TKernel : struct, IMicroKernel
    {
        int width = TKernel.Columns<T>(), run = windows.Run, firstTap = column / run, firstOffset = column % run;
        bool single = count == width && firstOffset + width <= run;
        Windows<T>.Place place = windows.At(depth);
        for (int k = 0; k < length; k++, panel += width, place = windows.Next(place))
        {
            if (single)
            {
                T* source = windows.Source(place, firstTap);
                if (source == null)
                    Unsafe.InitBlockUnaligned(panel, 0, (uint)(width * sizeof(T)));
                else
                    Unsafe.CopyBlockUnaligned(panel, source + firstOffset, (uint)(width * sizeof(T)));
                continue;
            }
            int tap = firstTap, offset = firstOffset;
            for (int i = 0; i < count; tap++, offset = 0)
            {
                int part = Math.Min(run - offset, count - i);
                Panels.CopyRun(windows.Source(place, tap), offset, panel + i, part);
                i += part;
            }
            for (int i = count; i < width; i++)
                panel[i] = default;
        }
    }
}
