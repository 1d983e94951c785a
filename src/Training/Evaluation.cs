using System.Text.Json;
using CsUnet.Tensors;

namespace CsUnet.Training;

/// <summary>The result of evaluating a set of images. Confusion matrices determine all of it.</summary>
public sealed class Evaluation
{
    /// <summary>How the names of the files in a run's folder begin.</summary>
    public const string FilePrefix = "evaluation-";

    /// <summary>Creates the evaluation of a set of images.</summary>
    /// <param name="classNames">Names of the classes, in the order of the labels.</param>
    /// <param name="images">One entry per image.</param>
    public Evaluation(IReadOnlyList<string> classNames, IReadOnlyList<ImageScore> images)
    {
        ClassNames = classNames;
        Images = images;
        Confusion = new ConfusionMatrix(classNames.Count);
        foreach (ImageScore image in images)
            Confusion.Add(image.Confusion);
    }

    /// <summary>What was measured; null if it is not known, as in files of older versions.</summary>
    public EvaluationOrigin? Origin { get; init; }

    /// <summary>The same scores with their origin.</summary>
    public Evaluation With(EvaluationOrigin origin) => new(ClassNames, Images) { Origin = origin };

    /// <summary>Names of the classes.</summary>
    public IReadOnlyList<string> ClassNames { get; }

    /// <summary>Metrics per image.</summary>
    public IReadOnlyList<ImageScore> Images { get; }

    /// <summary>The pixels of all images.</summary>
    public ConfusionMatrix Confusion { get; }

    /// <summary>Mean IoU over the classes that occur in the truth, computed over the pixels of all images.</summary>
    public double MeanIoU => Confusion.MeanIoU;

    /// <summary>Mean Dice over the classes that occur in the truth, computed over the pixels of all images.</summary>
    public double MeanDice => Confusion.MeanDice;

    /// <summary>The classes without a pixel of truth, by label. They have no part in the means.</summary>
    public IReadOnlyList<int> AbsentClasses => [.. Enumerable.Range(0, ClassNames.Count).Where(label => !Confusion.Occurs(label))];

    /// <summary>
    /// What stands beside the means: the classes without a pixel of truth, and how often they were predicted; empty if every class occurs.
    /// </summary>
    public string MeanNote => NoteOf(ClassNames.Select(_ => true).ToArray());

    /// <summary>What stands beside the mean over those of the given classes that occur in the truth; empty if it is over all.</summary>
    /// <param name="trained">Whether a class occurs in the training masks, by label.</param>
    internal string NoteOf(IReadOnlyList<bool> trained)
    {
        int[] untrained = [.. Enumerable.Range(0, ClassNames.Count).Where(label => !trained[label] && Confusion.Occurs(label))];
        IReadOnlyList<int> absent = AbsentClasses;
        int left = ClassNames.Count - absent.Count - untrained.Length;
        return left == ClassNames.Count ? "" : $"mean over {left} of {ClassNames.Count} classes"
            + (absent.Count == 0 ? "" : $", no pixel of truth for {string.Join(", ", absent.Select(label =>
                $"{ClassNames[label]} ({ProblemText.Count(Confusion.PredictionCount(label), "pixel")} predicted)"))}")
            + (untrained.Length == 0 ? ""
                : $", not in the training masks: {string.Join(", ", untrained.Select(label => ClassNames[label]))}");
    }

    /// <summary>Fraction of correctly labelled pixels.</summary>
    public double PixelAccuracy => Confusion.PixelAccuracy;

    /// <summary>Metrics per class.</summary>
    public IReadOnlyList<ClassScore> Classes => Scores(Confusion);

    /// <summary>Metrics per class of one image.</summary>
    public IReadOnlyList<ClassScore> Scores(ConfusionMatrix confusion) =>
        [.. ClassNames.Select((name, index) => new ClassScore(name, confusion.IoU(index), confusion.Dice(index)))];

    /// <summary>
    /// The JSON text of an evaluation's file: origin, meanIoU, meanDice, pixelAccuracy, classes[] with name, iou, dice (null if the class
    /// has no pixel of truth), confusion (rows: truth), images[] with file and the same values per image, and absent[], the names of the
    /// classes without a pixel of truth, over which the means do not go.
    /// </summary>
    public string ToJson() => JsonSerializer.Serialize(new EvaluationFile(
        MeanIoU, MeanDice, PixelAccuracy, ClassEntries(Confusion), [.. Confusion.ToRows()],
        [.. Images.Select(image => new EvaluationFile.ImageEntry(
            image.File, image.Confusion.MeanIoU, image.Confusion.MeanDice, image.Confusion.PixelAccuracy, ClassEntries(image.Confusion),
            [.. image.Confusion.ToRows()]))],
        [.. AbsentClasses.Select(label => ClassNames[label])], Origin), TrainingJson.Default.EvaluationFile) + "\n";

    private IReadOnlyList<EvaluationFile.ClassEntry> ClassEntries(ConfusionMatrix confusion) =>
        [.. Scores(confusion).Select(score => new EvaluationFile.ClassEntry(score.Name, score.IoU, score.Dice))];

    /// <summary>Writes <see cref="ToJson"/> to a file, completely or not at all.</summary>
    /// <exception cref="RunException">The file cannot be written.</exception>
    public void Save(string path) => RunFiles.WriteText(path, ToJson());

    /// <summary>
    /// Writes the file of this evaluation into a run's folder, named after its <see cref="Origin"/>; it replaces only a file of the same
    /// evaluation.
    /// </summary>
    /// <returns>The file.</returns>
    /// <exception cref="InvalidOperationException">The origin is not set.</exception>
    /// <exception cref="RunException">The file cannot be written.</exception>
    public string Save(RunFolder folder)
    {
        EvaluationOrigin origin = Origin ?? throw new InvalidOperationException("Evaluation.Save: set Origin, which names the file");
        string path = folder.File(origin.FileName());
        Save(path);
        return path;
    }

    /// <summary>Reads a file that <see cref="Save(string)"/> wrote.</summary>
    /// <exception cref="RunException">The file is missing or is not an evaluation.</exception>
    public static Evaluation Load(string path) => RunFiles.Read(
        path, "not an evaluation of this program", "evaluate the run again", () =>
        {
            EvaluationFile file = JsonSerializer.Deserialize(ReadFile.Text(path), TrainingJson.Default.EvaluationFile)
                ?? throw new JsonException("it is null");
            return new Evaluation(
                [.. file.Classes.Select(entry => entry.Name)],
                [.. file.Images.Select(image => new ImageScore(image.File, ConfusionMatrix.FromRows([.. image.Confusion])))])
            {
                Origin = file.Origin,
            };
        }, RunFault.NoEvaluation);
}
