namespace CsUnet.Kernels.Shapes;

/// <summary>The rows of <see cref="PixelShuffle"/>: shuffled (B, sH, sW, C) from packed (B, H, W, s*s*C).</summary>
/// <param name="width">W.</param>
/// <param name="scale">s.</param>
/// <param name="channels">C.</param>
internal readonly struct ShuffledRows(int width, int scale, int channels) : IRowPlaces
{
    public int Runs => 1;

    // shuffled[b,s*y+p1,s*x+p2,c] = packed[b,y,x,(p1*s+p2)*C+c]; row = ((b*H + y)*s + p1)*s*W + s*x + p2
    public long Start(long row, int run)
    {
        long fineLine = row / (scale * width), fineX = row % (scale * width);
        long line = fineLine / scale, p1 = fineLine % scale, x = fineX / scale, p2 = fineX % scale;
        return (((line * width + x) * scale + p1) * scale + p2) * channels;
    }

    public (int Layout, int Width, int Scale) Cuda => (2, width, scale);
}
