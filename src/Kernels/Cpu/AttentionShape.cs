namespace CsUnet.Kernels.Cpu;

/// <summary>The sizes of a windowed attention over a grid of tokens.</summary>
/// <param name="Batch">Images.</param>
/// <param name="Height">Rows of tokens, a multiple of the window.</param>
/// <param name="Width">Columns of tokens, a multiple of the window.</param>
/// <param name="Channels">Channels of a token, a multiple of the heads.</param>
/// <param name="Window">Rows and columns of a window.</param>
/// <param name="Heads">Heads.</param>
/// <param name="Shift">By how many tokens the grid is shifted before it is cut.</param>
public readonly record struct AttentionShape(int Batch, int Height, int Width, int Channels, int Window, int Heads, int Shift)
{
    /// <summary>Channels of one head.</summary>
    public int HeadChannels => Channels / Heads;

    /// <summary>Tokens in a window.</summary>
    public int Tokens => Window * Window;

    /// <summary>Windows over all images.</summary>
    public int Windows => Batch * (Height / Window) * (Width / Window);

    /// <summary>Row of the bias table for two tokens of a window: (iy-jy+ws-1)·(2ws-1) + (ix-jx+ws-1).</summary>
    internal int TableRow(int i, int j) =>
        (i / Window - j / Window + Window - 1) * (2 * Window - 1) + i % Window - j % Window + Window - 1;

    /// <summary>Whether two tokens of a window in the last row or column of windows come from different sides of the grid.</summary>
    internal bool AreApart(int i, int j, bool lastRow, bool lastColumn) =>
        Shift > 0
        && ((lastRow && (i / Window >= Window - Shift) != (j / Window >= Window - Shift))
            || (lastColumn && (i % Window >= Window - Shift) != (j % Window >= Window - Shift)));

    /// <summary>
    /// The token at place i of a window, as a row of the (B·H·W, C) matrix:
    /// windows[b,wy,wx,iy,ix] = input[b,(wy·ws+iy+shift)%H,(wx·ws+ix+shift)%W].
    /// </summary>
    internal int Token(int window, int i)
    {
        int across = Width / Window, down = Height / Window;
        int wx = window % across, wy = window / across % down, b = window / across / down;
        return (b * Height + (wy * Window + i / Window + Shift) % Height) * Width + (wx * Window + i % Window + Shift) % Width;
    }

    /// <summary>Whether a window lies in the last row of windows.</summary>
    internal bool IsLastRow(int window) => window / (Width / Window) % (Height / Window) == Height / Window - 1;

    /// <summary>Whether a window lies in the last column of windows.</summary>
    internal bool IsLastColumn(int window) => window % (Width / Window) == Width / Window - 1;
}
