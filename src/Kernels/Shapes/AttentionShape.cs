namespace CsUnet.Kernels.Shapes;

/// <summary>The sizes of a windowed attention over a grid of tokens.</summary>
/// <param name="Batch">Images.</param>
/// <param name="Height">Rows of tokens, a multiple of the window.</param>
/// <param name="Width">Columns of tokens, a multiple of the window.</param>
/// <param name="Channels">Channels of a token, a multiple of the heads.</param>
/// <param name="Window">Rows and columns of a window.</param>
/// <param name="Heads">Heads.</param>
/// <param name="Shift">The shift of the grid, in tokens, before it is cut into windows.</param>
public readonly record struct AttentionShape(int Batch, int Height, int Width, int Channels, int Window, int Heads, int Shift)
{
    /// <summary>Channels of one head.</summary>
    public int HeadChannels => Channels / Heads;

    /// <summary>Tokens in a window.</summary>
    public int Tokens => Window * Window;

    /// <summary>Windows over all images.</summary>
    public int Windows => Batch * (Height / Window) * (Width / Window);

    /// <summary>
    /// The tokens of a window, as rows of the (B·H·W, C) matrix:
    /// windows[b,wy,wx,iy,ix] = input[b,(wy·ws+iy+shift)%H,(wx·ws+ix+shift)%W].
    /// </summary>
    internal unsafe void ListTokens(int window, int* tokens)
    {
        int across = Width / Window, down = Height / Window;
        int wx = window % across, wy = window / across % down, b = window / across / down;
        for (int iy = 0; iy < Window; iy++)
        {
            int y = wy * Window + iy + Shift;
            int row = (b * Height + (y < Height ? y : y - Height)) * Width;
            for (int ix = 0; ix < Window; ix++)
            {
                int x = wx * Window + ix + Shift;
                *tokens++ = row + (x < Width ? x : x - Width);
            }
        }
    }

    /// <summary>The bias matrix of a window: 2 in the last row of windows, plus 1 in the last column; 0 without a shift.</summary>
    internal int BiasKind(int window) => Shift == 0
        ? 0
        : (window / (Width / Window) % (Height / Window) == Height / Window - 1 ? 2 : 0)
            + (window % (Width / Window) == Width / Window - 1 ? 1 : 0);

    /// <summary>The number of different bias matrices: only windows at the end of rows and columns have a mask.</summary>
    internal int BiasKinds => Shift == 0 ? 1 : 4;
}
