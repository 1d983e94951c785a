namespace CsUnet.Kernels.Cpu;

/// <summary>
/// Where rows of C channels lie in the tensor that a normalisation takes them from: each in <see cref="Runs"/> runs of C / Runs channels.
/// </summary>
internal interface IRowPlaces
{
    /// <summary>Runs of a row.</summary>
    int Runs { get; }

    /// <summary>The element with which a run begins.</summary>
    long Start(long row, int run);

    /// <summary>The same for kernels/layer_norm.cu: its layout's number, W and s.</summary>
    (int Layout, int Width, int Scale) Cuda { get; }
}

/// <summary>Row after row.</summary>
internal readonly struct RowsInOrder(int channels) : IRowPlaces
{
    public int Runs => 1;

    public long Start(long row, int run) => row * channels;

    public (int Layout, int Width, int Scale) Cuda => (0, 1, 1);
}

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
