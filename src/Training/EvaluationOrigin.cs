using System.Globalization;
using CsUnet.Data;

namespace CsUnet.Training;

/// <summary>What an evaluation measured. Evaluations that differ in any of it have files of different names.</summary>
/// <param name="Split">The images: train, val, test, or another folder of the data set.</param>
/// <param name="Checkpoint">The weights: last or best.</param>
/// <param name="Step">The training steps of the weights.</param>
/// <param name="Stride">Pixels between tiles.</param>
/// <param name="Device">The device and its precision.</param>
/// <param name="Data">Where the data lay; not part of what tells evaluations apart.</param>
/// <param name="Content">The hash of the images and masks (<see cref="DatasetContent.Hash"/>).</param>
/// <param name="Weights">The hash of the weights.</param>
/// <param name="Run">The run's identity; null for a run of an older version.</param>
public sealed record EvaluationOrigin(
    string Split, string Checkpoint, int Step, int Stride, string Device, string Data, string Content, string Weights, string? Run)
{
    private const int ShownDigits = 8;

    /// <summary>The first digits of <see cref="Content"/>, for people.</summary>
    public string ShortContent => Content.Length > ShownDigits ? Content[..ShownDigits] : Content;

    /// <summary>The name of the evaluation's file: <c>evaluation-test-best-000060-1a2b3c4d.json</c>.</summary>
    public string FileName()
    {
        string stride = Stride.ToString(CultureInfo.InvariantCulture);
        string hash = DatasetContent.HashOf([Content, Weights, stride, Device])[..ShownDigits];
        return string.Create(CultureInfo.InvariantCulture, $"{Evaluation.FilePrefix}{Split}-{Checkpoint}-{Step:D6}-{hash}.json");
    }
}
