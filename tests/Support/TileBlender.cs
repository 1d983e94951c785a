using CsUnet.Data;
using CsUnet.Tensors;

namespace CsUnet.Tests.Support;

/// <summary>
/// Blends the probabilities of tiles into those of a whole image: p[y,x,c] = sum over tiles of w[y,x] p_tile[y,x,c] / sum of w[y,x], with
/// the weights of <see cref="Tiles"/>. It keeps the whole image in memory; Predictor, which keeps one row of tiles, is compared with it.
/// </summary>
internal sealed class TileBlender
{
    private readonly Tiles _tiles;
    private readonly int _classes;
    private readonly float[] _sums;
    private readonly float[] _weights;

    /// <summary>Creates a blender without tiles.</summary>
    /// <param name="tiles">The geometry.</param>
    /// <param name="classes">Probabilities per pixel.</param>
    /// <exception cref="ArgumentOutOfRangeException">
    /// There is no class, or the image times the classes does not fit into one array.
    /// </exception>
    public TileBlender(Tiles tiles, int classes)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(classes, 1);
        long numbers = (long)tiles.ImageHeight * tiles.ImageWidth * classes;
        if (numbers > Array.MaxLength)
        {
            throw new ArgumentOutOfRangeException(
                nameof(classes),
                $"TileBlender: {tiles.ImageHeight}x{tiles.ImageWidth} pixels of {classes} classes; expected at most {Array.MaxLength} "
                    + $"numbers");
        }
        _tiles = tiles;
        _classes = classes;
        _sums = new float[numbers];
        _weights = new float[tiles.ImageHeight * tiles.ImageWidth];
    }

    /// <summary>Adds a tile; its part outside of the image is ignored.</summary>
    /// <param name="tileProbabilities">Probabilities (tile height, tile width, classes).</param>
    /// <param name="y">The tile's first row in the image.</param>
    /// <param name="x">The tile's first column in the image.</param>
    /// <exception cref="ArgumentException">The number of probabilities does not match a tile.</exception>
    public void Add(ReadOnlySpan<float> tileProbabilities, int y, int x)
    {
        if (tileProbabilities.Length != (long)_tiles.TileHeight * _tiles.TileWidth * _classes)
        {
            throw new ArgumentException(
                $"TileBlender: {tileProbabilities.Length} probabilities; expected {_tiles.TileHeight}x{_tiles.TileWidth}x{_classes}",
                nameof(tileProbabilities));
        }
        int firstRow = Math.Max(0, -y), endRow = Math.Min(_tiles.TileHeight, _tiles.ImageHeight - y);
        int firstColumn = Math.Max(0, -x), endColumn = Math.Min(_tiles.TileWidth, _tiles.ImageWidth - x);
        for (int row = firstRow; row < endRow; row++)
            for (int column = firstColumn; column < endColumn; column++)
            {
                float weight = _tiles.RowWeights[row] * _tiles.ColumnWeights[column];
                int pixel = (y + row) * _tiles.ImageWidth + x + column;
                _weights[pixel] += weight;
                ReadOnlySpan<float> source = tileProbabilities.Slice((row * _tiles.TileWidth + column) * _classes, _classes);
                Span<float> target = _sums.AsSpan(pixel * _classes, _classes);
                for (int c = 0; c < source.Length; c++)
                    target[c] += weight * source[c];
            }
    }

    /// <summary>Returns the probabilities of the image.</summary>
    /// <returns>(H, W, classes) float32, owning its memory.</returns>
    /// <exception cref="InvalidOperationException">A pixel is in none of the tiles added so far.</exception>
    public Tensor Finish()
    {
        using StepArena.PersistentScope persistent = StepArena.Suspend();
        Tensor result = Tensor.Empty([_tiles.ImageHeight, _tiles.ImageWidth, _classes]);
        Span<float> target = result.AsSpan<float>();
        for (int pixel = 0; pixel < _weights.Length; pixel++)
        {
            float weight = Weight(pixel);
            for (int c = 0; c < _classes; c++)
                target[pixel * _classes + c] = _sums[pixel * _classes + c] / weight;
        }
        return result;
    }

    /// <summary>Returns the most probable class of every pixel; the first one in a tie.</summary>
    /// <returns>(H, W).</returns>
    /// <exception cref="InvalidOperationException">A pixel is in none of the tiles added so far.</exception>
    public byte[] FinishLabels()
    {
        byte[] labels = new byte[_weights.Length];
        for (int pixel = 0; pixel < labels.Length; pixel++)
        {
            _ = Weight(pixel);
            ReadOnlySpan<float> sums = _sums.AsSpan(pixel * _classes, _classes);
            int best = 0;
            for (int c = 1; c < sums.Length; c++)
                if (sums[c] > sums[best])
                    best = c;
            labels[pixel] = (byte)best;
        }
        return labels;
    }

    private float Weight(int pixel) => _weights[pixel] > 0 ? _weights[pixel] : throw new InvalidOperationException(
        $"TileBlender: row {pixel / _tiles.ImageWidth}, column {pixel % _tiles.ImageWidth} is in no tile added; expected all "
            + $"{_tiles.Count}");
}
