using System.Text.Json.Serialization;

namespace CsUnet.Training;

/// <summary>
/// The contents of an evaluation's file: the metrics of all images together and of each image. The confusion matrices determine all of it.
/// </summary>
/// <param name="MeanIoU">Mean IoU over the classes that occur in the truth.</param>
/// <param name="MeanDice">Mean Dice over the classes that occur in the truth.</param>
/// <param name="PixelAccuracy">Fraction of correctly labelled pixels.</param>
/// <param name="Classes">Metrics per class.</param>
/// <param name="Confusion">Pixel counts; rows: truth.</param>
/// <param name="Images">The same values per image.</param>
/// <param name="Absent">The classes without a pixel of truth; null in a file of an earlier program. Confusion says the same.</param>
/// <param name="Origin">What was measured; null in files of older versions.</param>
internal sealed record EvaluationFile(
    double MeanIoU, double MeanDice, double PixelAccuracy, IReadOnlyList<EvaluationFile.ClassEntry> Classes,
    IReadOnlyList<long[]> Confusion, IReadOnlyList<EvaluationFile.ImageEntry> Images, IReadOnlyList<string>? Absent = null,
    [property: JsonPropertyOrder(-1), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] EvaluationOrigin? Origin = null)
{
    /// <summary>The metrics of a class.</summary>
    /// <param name="Name">Its name.</param>
    /// <param name="IoU">Null if the class has no pixel of truth.</param>
    /// <param name="Dice">Null if the class has no pixel of truth.</param>
    internal sealed record ClassEntry(string Name, [property: JsonPropertyName("iou")] double? IoU, double? Dice);

    /// <summary>The metrics of an image.</summary>
    /// <param name="File">The image file.</param>
    /// <param name="MeanIoU">Mean IoU over the classes that occur in the truth.</param>
    /// <param name="MeanDice">Mean Dice over the classes that occur in the truth.</param>
    /// <param name="PixelAccuracy">Fraction of correctly labelled pixels.</param>
    /// <param name="Classes">Metrics per class.</param>
    /// <param name="Confusion">Pixel counts; rows: truth.</param>
    internal sealed record ImageEntry(
        string File, double MeanIoU, double MeanDice, double PixelAccuracy, IReadOnlyList<ClassEntry> Classes,
        IReadOnlyList<long[]> Confusion);
}
