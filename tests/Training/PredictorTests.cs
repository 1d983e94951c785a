using CsUnet.Autograd;
using CsUnet.Data;
using CsUnet.Kernels;
using CsUnet.Nn;
using CsUnet.Tensors;
using CsUnet.Tests.Support;
using CsUnet.Training;

namespace CsUnet.Tests.Training;

public class PredictorTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static Image Noise(int height, int width, int channels = 3)
    {
        var key = new RandomKey(3, 0, 0);
        return new Image([.. Enumerable.Range(0, height * width * channels).Select(i => (byte)key.Integer((ulong)i, 256))], height, width,
            channels);
    }

    [Theory]
    [InlineData(32, 32, 0, 8)]
    [InlineData(100, 75, 0, 8)]
    [InlineData(100, 75, 13, 3)]
    [InlineData(7, 90, 0, 2)]
    [InlineData(90, 5, 32, 8)]
    [InlineData(1, 1, 0, 1)]
    [InlineData(64, 96, 32, 2)]
    public void Images_of_every_size_are_covered_and_weights_sum_to_one(int height, int width, int stride, int batch)
    {
        var model = new PixelModel(32, 64);
        using var predictor = new Predictor(model, stride, batch);
        Image image = Noise(height, width);
        Prediction prediction = predictor.Predict(image, keepProbabilities: true, Token);

        // The probabilities of a model that looks only at single pixels, computed without tiles.
        Tensor input = Normalisation.ImageNet.ToTensor(image);
        for (long i = 0; i < input.Count; i += 3)
            input[i + 1] *= -1;
        Tensor expected = OperatorCall.Run(new Softmax(), input);
        for (int i = 0; i < expected.Count; i++)
            Assert.True(Math.Abs(prediction.Probabilities![i] - expected[i]) < 2e-6,
                $"{i}: {prediction.Probabilities![i]}, expected {expected[i]}");
        Assert.Equal(Argmax.Run(expected).AsSpan<byte>().ToArray(), prediction.Labels);
        Assert.Equal((height, width, 3), (prediction.Height, prediction.Width, prediction.Classes));
        Assert.Equal(1, prediction.Fractions().Sum(), 12);
        Assert.All(model.Batches, size => Assert.InRange(size, 1, batch));
        Assert.True(model.IsTraining);
        Assert.False(NoGrad.IsActive);
    }

    [Fact]
    public void Blending_is_the_hann_weighted_mean_of_the_tiles()
    {
        var model = new TinyModel();
        model.Initialize(1);
        Image image = Noise(70, 50, 1);
        using var predictor = new Predictor(model, 16, 3);
        Prediction prediction = predictor.Predict(image, keepProbabilities: true, Token);

        // The same mean, computed tile by tile by the plain blender.
        var tiles = new Tiles(70, 50, 32, 32, 16);
        var blender = new TileBlender(tiles, 3);
        model.Eval();
        using (NoGrad.Begin())
        {
            foreach ((int y, int x) in tiles.Positions)
            {
                Tensor input = Tensor.Empty([1, 32, 32, 3]);
                Normalisation.ImageNet.WriteTile(image, y, x, 32, 32, input.AsSpan<float>());
                Tensor probabilities = OperatorCall.Run(new Softmax(), model.Forward(new Variable(input)).Value);
                blender.Add(probabilities.AsSpan<float>(), y, x);
            }
        }
        Tensor expected = blender.Finish();
        for (int i = 0; i < expected.Count; i++)
            Assert.True(Math.Abs(prediction.Probabilities![i] - expected[i]) < 2e-6);
    }

    [Fact]
    public void Predicting_again_gives_the_same_bytes()
    {
        var model = new TinyModel();
        model.Initialize(1);
        Image image = Noise(70, 90);
        using var predictor = new Predictor(model);
        float[] first = predictor.Predict(image, keepProbabilities: true, Token).Probabilities!;
        for (int i = 0; i < 3; i++)
            Assert.Equal(first, predictor.Predict(image, keepProbabilities: true, Token).Probabilities!);
    }

    [Fact]
    public void A_stride_that_leaves_gaps_is_refused()
    {
        Assert.Contains("tile stride 33", Assert.Throws<RunException>(() => new Predictor(new TinyModel(), 33)).Message);
        Assert.Throws<RunException>(() => new Predictor(new TinyModel(), -1));
    }

    [Fact]
    public void Cancellation_stops_and_restores_the_mode()
    {
        var model = new TinyModel();
        using var predictor = new Predictor(model);
        using var source = new CancellationTokenSource();
        source.Cancel();
        Assert.Throws<OperationCanceledException>(() => predictor.Predict(Noise(32, 32), cancellation: source.Token));
        Assert.True(model.IsTraining);
    }

    [Fact]
    public void An_evaluation_counts_every_image_and_its_loss_is_that_of_training()
    {
        var model = new TinyModel();
        model.Initialize(2);
        using var predictor = new Predictor(model, 32);
        MicrographDataset images = SyntheticMicrographs.CreateDataset("test", 2, 64, 64, 1);
        var loss = new SegmentationLoss(0.3, 0.7, [1, 2, 3]);
        (Evaluation evaluation, double value) = Evaluator.Evaluate(predictor, images, loss, cancellation: Token);
        Assert.Equal(2 * 64 * 64, evaluation.Confusion.Total);
        Assert.Equal([images[0].Name, images[1].Name], evaluation.Images.Select(image => image.File));
        Assert.Equal(["matrix", "secondary", "tertiary"], evaluation.ClassNames);

        // Without overlap, the tiles form one batch: the four quarters of both images.
        Tensor inputs = Tensor.Empty([8, 32, 32, 3]), labels = Tensor.Empty([8, 32, 32], DType.UInt8);
        for (int tile = 0; tile < 8; tile++)
        {
            (Sample sample, int top, int left) = (images[tile / 4], tile / 2 % 2 * 32, tile % 2 * 32);
            Normalisation.ImageNet.WriteTile(sample.Image, top, left, 32, 32, inputs.Slice(tile, 1).AsSpan<float>());
            for (int y = 0; y < 32; y++)
                sample.Labels.AsSpan((top + y) * 64 + left, 32).CopyTo(labels.Slice(tile, 1).AsSpan<byte>()[(y * 32)..]);
        }
        model.Eval();
        double expected = loss.Apply(model.Forward(new Variable(inputs)), labels).Value[0];
        Assert.Equal(expected, value, 5);
    }

    [Fact]
    public void An_evaluation_needs_the_models_classes()
    {
        using var predictor = new Predictor(new TinyModel(classes: 2));
        Assert.Contains("2 classes",
            Assert.Throws<RunException>(() => Evaluator.Evaluate(predictor, TrainingFixture.Validation, cancellation: Token)).Message);
    }
}
