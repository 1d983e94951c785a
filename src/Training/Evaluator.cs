using CsUnet.Data;
using CsUnet.Nn;

namespace CsUnet.Training;

/// <summary>Compares predictions of whole images with their annotations.</summary>
public static class Evaluator
{
    /// <summary>Evaluates images, one after the other.</summary>
    /// <param name="predictor">Labels the images.</param>
    /// <param name="images">The images; each one is loaded only while it is predicted.</param>
    /// <param name="onImage">Called after each image with the number of finished images, the sample and the predicted labels.</param>
    /// <param name="cancellation">Stops between batches of tiles.</param>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    /// <exception cref="RunException">The model and the data have different numbers of classes.</exception>
    public static Evaluation Evaluate(
        Predictor predictor, MicrographDataset images,
        Action<int, Sample, byte[]>? onImage = null, CancellationToken cancellation = default) =>
        Evaluate(predictor, images, new SegmentationLoss(), onImage, cancellation).Evaluation;

    /// <summary>Evaluates images and also computes the loss of the blended probabilities over all pixels.</summary>
    /// <inheritdoc cref="Evaluate(Predictor, MicrographDataset, Action{int, Sample, byte[]}, CancellationToken)"/>
    public static (Evaluation Evaluation, double Loss) Evaluate(
        Predictor predictor, MicrographDataset images, SegmentationLoss loss,
        Action<int, Sample, byte[]>? onImage = null, CancellationToken cancellation = default)
    {
        string[] classNames = [.. images.ClassMap.Classes.Select(entry => entry.Name)];
        if (classNames.Length != predictor.Classes)
        {
            throw new RunException(
                $"the model has {predictor.Classes} classes, the data {classNames.Length} ({string.Join(", ", classNames)})",
                remedy: "use the class map that the model was trained with");
        }
        SegmentationLoss.Meter meter = loss.CreateMeter(predictor.Classes);
        var scores = new List<ImageScore>();
        foreach (Sample sample in Samples(images))
        {
            Image image = sample.Image;
            var labels = new byte[sample.Labels.Length];
            predictor.Run(image, (y, probabilities) =>
            {
                predictor.Label(probabilities, labels.AsSpan(y * image.Width, image.Width));
                meter.Add(probabilities, sample.Labels.AsSpan(y * image.Width, image.Width));
            }, cancellation);
            var confusion = new ConfusionMatrix(predictor.Classes);
            confusion.Add(sample.Labels, labels);
            scores.Add(new ImageScore(sample.Name, confusion));
            onImage?.Invoke(scores.Count, sample, labels);
        }
        return (new Evaluation(classNames, scores), meter.Value);
    }

    private static IEnumerable<Sample> Samples(MicrographDataset images)
    {
        for (int i = 0; i < images.Count; i++)
            yield return images[i];
    }
}
