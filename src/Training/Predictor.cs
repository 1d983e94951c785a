using CsUnet.Autograd;
using CsUnet.Data;
using CsUnet.Kernels;
using CsUnet.Models.Networks;
using CsUnet.Nn;
using CsUnet.Tensors;

namespace CsUnet.Training;

/// <summary>
/// Labels images of any size with overlapping tiles of the model's size. The class probabilities of a pixel are the mean over the tiles
/// that cover it, weighted by a Hann window per tile: the centre of a tile counts more than its border. Images smaller than a tile are
/// padded by reflection. The model runs in evaluation mode, without gradients.
/// </summary>
/// <remarks>
/// Rows of tiles are finished from top to bottom, so an image needs memory only for one row of tiles and for its labels. The tiles lie on a
/// grid. Therefore each weight is a factor per row times a factor per column, and is normalised in advance.
/// </remarks>
public sealed class Predictor : IDisposable
{
    private readonly SegmentationModel _model;
    private readonly int? _stride;
    private readonly int _batch;
    private readonly Normalisation _normalisation;
    private readonly StepArena _arena;
    private readonly bool _ownsArena;

    /// <summary>Creates a predictor for a model.</summary>
    /// <param name="model">The model; its mode is restored after each image.</param>
    /// <param name="stride">Pixels between tiles, at most the tile's size; 0: half the tile's size.</param>
    /// <param name="batch">Tiles per forward pass.</param>
    /// <param name="normalisation">How images are normalised for the model; null: ImageNet's normalisation.</param>
    /// <param name="arena">An arena shared with others on the same thread, such as a trainer; null: an arena of its own.</param>
    /// <exception cref="RunException">The stride is negative or larger than a tile.</exception>
    public Predictor(SegmentationModel model, int stride = 0, int batch = 8, Normalisation? normalisation = null, StepArena? arena = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(batch, 1);
        if (stride < 0 || stride > Math.Min(model.Height, model.Width))
        {
            throw new RunException($"tile stride {stride}",
                $"1 to {Math.Min(model.Height, model.Width)}, the size of the model's tiles, or 0 for half of it");
        }
        _model = model;
        _normalisation = normalisation ?? Normalisation.ImageNet;
        _stride = stride == 0 ? null : stride;
        _batch = batch;
        _arena = arena ?? new StepArena();
        _ownsArena = arena is null;
    }

    /// <summary>Receives the class probabilities of one row of pixels, (W, classes); rows come from top to bottom.</summary>
    public delegate void RowSink(int y, ReadOnlySpan<float> probabilities);

    /// <summary>Number of classes.</summary>
    public int Classes => _model.Classes;

    /// <summary>Labels an image.</summary>
    /// <param name="image">The image, grey or RGB.</param>
    /// <param name="keepProbabilities">Whether the result also contains all probabilities.</param>
    /// <param name="cancellation">Stops between batches of tiles.</param>
    /// <param name="dataBarRows">
    /// The last rows of the image that are a microscope's data bar (<see cref="DataBar.Find"/>): the network does not see them, and their
    /// labels are <see cref="ClassMap.Ignored"/>.
    /// </param>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The data bar leaves no row.</exception>
    public Prediction Predict(
        Image image, bool keepProbabilities = false, CancellationToken cancellation = default, int dataBarRows = 0)
    {
        var labels = new byte[checked(image.Height * image.Width)];
        labels.AsSpan((image.Height - dataBarRows) * image.Width).Fill(ClassMap.Ignored);
        float[]? kept = keepProbabilities ? new float[checked(image.Height * image.Width * Classes)] : null;
        Run(dataBarRows == 0 ? image : image.Top(image.Height - dataBarRows), (y, probabilities) =>
        {
            Label(probabilities, labels.AsSpan(y * image.Width, image.Width));
            if (kept is not null)
                probabilities.CopyTo(kept.AsSpan(y * image.Width * Classes));
        }, cancellation);
        return new Prediction(labels, image.Height, image.Width, Classes, kept);
    }

    /// <summary>Computes the class probabilities of an image row by row.</summary>
    /// <param name="image">The image, grey or RGB.</param>
    /// <param name="sink">Receives the rows.</param>
    /// <param name="cancellation">Stops between batches of tiles.</param>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public void Run(Image image, RowSink sink, CancellationToken cancellation = default)
    {
        bool wasTraining = _model.IsTraining;
        _model.Eval();
        using NoGrad noGrad = NoGrad.Begin();
        try
        {
            Blend(image, sink, cancellation);
        }
        finally
        {
            _model.Train(wasTraining);
        }
    }

    /// <summary>The most probable class of each pixel; the first one in a tie.</summary>
    public void Label(ReadOnlySpan<float> probabilities, Span<byte> labels)
    {
        for (int x = 0; x < labels.Length; x++)
        {
            ReadOnlySpan<float> pixel = probabilities.Slice(x * Classes, Classes);
            int best = 0;
            for (int k = 1; k < pixel.Length; k++)
                if (pixel[k] > pixel[best])
                    best = k;
            labels[x] = (byte)best;
        }
    }

    private void Blend(Image image, RowSink sink, CancellationToken cancellation)
    {
        var tiles = new Tiles(image.Height, image.Width, _model.Height, _model.Width, _stride);
        int[] tops = [.. tiles.Positions.Select(tile => tile.Y).Distinct()], lefts = [.. tiles.Positions.Select(tile => tile.X).Distinct()];
        float[][] rowWeights = Shares(tops, tiles.RowWeights), columnWeights = Shares(lefts, tiles.ColumnWeights);
        // The band holds the sums for the pixel rows of the current row of tiles: (tile height, band width, classes). A tile larger than
        // the image starts above it and to its left.
        int bandRow = (lefts[^1] + _model.Width - lefts[0]) * Classes, imageOffset = -lefts[0] * Classes;
        var band = new float[checked(_model.Height * bandRow)];
        for (int row = 0; row < tops.Length; row++)
        {
            for (int first = 0; first < lefts.Length; first += _batch)
            {
                cancellation.ThrowIfCancellationRequested();
                int count = Math.Min(_batch, lefts.Length - first);
                using StepArena.StepScope step = _arena.BeginStep();
                Tensor probabilities = Probabilities(image, tops[row], lefts.AsSpan(first, count));
                for (int tile = first; tile < first + count; tile++)
                    AddTile(probabilities, tile - first, band, bandRow, lefts[tile] - lefts[0], rowWeights[row], columnWeights[tile]);
            }
            int end = row + 1 < tops.Length ? tops[row + 1] : image.Height;
            for (int y = Math.Max(0, tops[row]); y < end; y++)
                sink(y, band.AsSpan((y - tops[row]) * bandRow + imageOffset, image.Width * Classes));
            if (row + 1 < tops.Length)
            {
                int done = (end - tops[row]) * bandRow;
                band.AsSpan(done).CopyTo(band);
                band.AsSpan(band.Length - done).Clear();
            }
        }
    }

    private Tensor Probabilities(Image image, int top, ReadOnlySpan<int> lefts)
    {
        Tensor images = Tensor.Empty([lefts.Length, _model.Height, _model.Width, 3]);
        Span<float> pixels = images.AsSpan<float>();
        int tilePixels = _model.Height * _model.Width * 3;
        for (int tile = 0; tile < lefts.Length; tile++)
            _normalisation.WriteTile(image, top, lefts[tile], _model.Height, _model.Width, pixels.Slice(tile * tilePixels, tilePixels));
        Variable logits = _model.Forward(new Variable(images.To(_model.DType).To(_model.Device)));
        return OperatorCall.Run(new Softmax(), logits.Value).To(Device.Cpu).To(DType.Float32);
    }

    private unsafe void AddTile(
        Tensor probabilities, int tile, float[] band, int bandRow, int left, float[] rowWeights, float[] columnWeights)
    {
        float* source = probabilities.Pointer<float>() + (long)tile * _model.Height * _model.Width * Classes;
        int width = _model.Width, classes = Classes;
        Workers.Run(_model.Height, y =>
        {
            float* p = source + (long)y * width * classes;
            Span<float> target = band.AsSpan(y * bandRow + left * classes, width * classes);
            for (int x = 0; x < width; x++)
            {
                float weight = rowWeights[y] * columnWeights[x];
                for (int k = 0; k < classes; k++)
                    target[x * classes + k] += weight * p[x * classes + k];
            }
        });
    }

    /// <summary>For each tile along an axis, the normalised weight of each of its positions; the weights at a position sum to 1.</summary>
    private static float[][] Shares(int[] starts, IReadOnlyList<float> weights)
    {
        var sums = new double[starts[^1] + weights.Count - starts[0]];
        foreach (int start in starts)
            for (int i = 0; i < weights.Count; i++)
                sums[start - starts[0] + i] += weights[i];
        return [.. starts.Select(start => weights.Select((weight, i) => (float)(weight / sums[start - starts[0] + i])).ToArray())];
    }

    /// <summary>Frees the memory of the tiles; the model is not disposed.</summary>
    public void Dispose()
    {
        if (_ownsArena)
            _arena.Dispose();
    }
}
