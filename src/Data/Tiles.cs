namespace CsUnet.Data;

/// <summary>
/// Overlapping tiles that cover an image: one every <see cref="Stride"/> pixels, the last one flush with the border. If the image is
/// smaller than a tile, the tile extends beyond the border on both sides, where the image is padded by reflection.
/// </summary>
public sealed class Tiles
{
    private readonly int[] _rows;
    private readonly int[] _columns;

    /// <summary>The tiles of an image.</summary>
    /// <param name="imageHeight">Rows of the image.</param>
    /// <param name="imageWidth">Columns of the image.</param>
    /// <param name="tileHeight">Rows of a tile.</param>
    /// <param name="tileWidth">Columns of a tile.</param>
    /// <param name="stride">Rows and columns from tile to tile, at most a tile's; null for half a tile, separately for height and
    /// width.</param>
    /// <exception cref="ArgumentOutOfRangeException">A size is below 1, or the stride leaves gaps.</exception>
    public Tiles(int imageHeight, int imageWidth, int tileHeight, int tileWidth, int? stride = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(imageHeight, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(imageWidth, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(tileHeight, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(tileWidth, 1);
        (int down, int across) = (stride ?? Math.Max(1, tileHeight / 2), stride ?? Math.Max(1, tileWidth / 2));
        if (down < 1 || down > tileHeight || across > tileWidth)
            throw new ArgumentOutOfRangeException(nameof(stride),
                $"Tiles: stride {stride}; expected 1 to the tile's {Math.Min(tileHeight, tileWidth)}");
        (ImageHeight, ImageWidth, TileHeight, TileWidth) = (imageHeight, imageWidth, tileHeight, tileWidth);
        Stride = (down, across);
        _rows = Starts(imageHeight, tileHeight, down);
        _columns = Starts(imageWidth, tileWidth, across);
        RowWeights = Hann(tileHeight);
        ColumnWeights = Hann(tileWidth);
    }

    /// <summary>Rows of the image.</summary>
    public int ImageHeight { get; }

    /// <summary>Columns of the image.</summary>
    public int ImageWidth { get; }

    /// <summary>Rows of a tile.</summary>
    public int TileHeight { get; }

    /// <summary>Columns of a tile.</summary>
    public int TileWidth { get; }

    /// <summary>Rows and columns between consecutive tiles.</summary>
    public (int Down, int Across) Stride { get; }

    /// <summary>Number of tiles.</summary>
    public int Count => _rows.Length * _columns.Length;

    /// <summary>First row and column of a tile; negative if the image is smaller than a tile.</summary>
    /// <param name="tile">From 0, row by row.</param>
    public (int Y, int X) this[int tile] => (_rows[tile / _columns.Length], _columns[tile % _columns.Length]);

    /// <summary>Every tile's first row and column, row by row.</summary>
    public IEnumerable<(int Y, int X)> Positions => Enumerable.Range(0, Count).Select(tile => this[tile]);

    /// <summary>
    /// Weights along a tile's rows: a Hann window, sin^2(pi (i + 1/2) / n), which is never zero. A pixel's weight is that of its row times
    /// that of its column, because a network knows least at the border of its input.
    /// </summary>
    public IReadOnlyList<float> RowWeights { get; }

    /// <summary>Weights along a tile's columns, like <see cref="RowWeights"/>.</summary>
    public IReadOnlyList<float> ColumnWeights { get; }

    private static int[] Starts(int length, int tile, int stride)
    {
        if (length <= tile)
            return [-((tile - length) / 2)];
        int count = (length - tile + stride - 1) / stride + 1;
        return [.. Enumerable.Range(0, count).Select(i => (int)Math.Min((long)i * stride, length - tile))];
    }

    private static float[] Hann(int length) => [.. Enumerable.Range(0, length).Select(i =>
    {
        double sine = Math.Sin(Math.PI * (i + 0.5) / length);
        return (float)(sine * sine);
    })];
}
