namespace CsUnet.Kernels.Shapes;

/// <summary>The rows of <see cref="PatchMerge"/>: merged (B, H, W, 4C) from spread (B, 2H, 2W, C).</summary>
/// <param name="width">W.</param>
/// <param name="channels">C.</param>
internal readonly struct MergedRows(int width, int channels) : IRowPlaces
{
    public int Runs => 4;

    // merged[b,y,x,(2*dx+dy)*C+c] = spread[b,2y+dy,2x+dx,c]; row = (b*H + y)*W + x
    public long Start(long row, int run)
    {
        long line = row / width, x = row % width, dy = run & 1, dx = run >> 1;
        return ((2 * line + dy) * 2 * width + 2 * x + dx) * channels;
    }

    public (int Layout, int Width, int Scale) Cuda => (1, width, 1);
}
