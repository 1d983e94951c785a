using System.Text.Json.Serialization;

namespace CsUnet.Training;

/// <summary>
/// evaluation-SPLIT.json: the metrics of all images together, and of each. Everything follows from the confusion matrices.
/// </summary>
/// <param name="MeanIoU">Mean IoU over the classes that occur.</param>
/// <param name="MeanDice">Mean Dice over the classes that occur.</param>
/// <param name="PixelAccuracy">Share of the pixels with the right label.</param>
/// <param name="Classes">Metrics per class.</param>
/// <param name="Confusion">Pixels; rows: truth.</param>
/// <param name="Images">The same per image.</param>
internal sealed record EvaluationFile(
    double MeanIoU, double MeanDice, double PixelAccuracy, IReadOnlyList<EvaluationFile.ClassEntry> Classes,
    IReadOnlyList<long[]> Confusion, IReadOnlyList<EvaluationFile.ImageEntry> Images)
{
    /// <summary>A class.</summary>
    /// <param name="Name">Its name.</param>
    /// <param name="IoU">Null where the class does not occur.</param>
    /// <param name="Dice">Null where the class does not occur.</param>
    internal sealed record ClassEntry(string Name, [property: JsonPropertyName("iou")] double? IoU, double? Dice);

    /// <summary>An image.</summary>
    /// <param name="File">Its file.</param>
    /// <param name="MeanIoU">Mean IoU over the classes that occur.</param>
    /// <param name="MeanDice">Mean Dice over the classes that occur.</param>
    /// <param name="PixelAccuracy">Share of the pixels with the right label.</param>
    /// <param name="Classes">Metrics per class.</param>
    /// <param name="Confusion">Pixels; rows: truth.</param>
    internal sealed record ImageEntry(
        string File, double MeanIoU, double MeanDice, double PixelAccuracy, IReadOnlyList<ClassEntry> Classes,
        IReadOnlyList<long[]> Confusion);
}
