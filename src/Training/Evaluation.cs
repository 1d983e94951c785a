using System.Text;
using System.Text.Json;

namespace CsUnet.Training;

/// <summary>The result of an evaluation over a set of images: everything follows from the confusion matrices.</summary>
public sealed class Evaluation
{
    /// <summary>The evaluation of some images.</summary>
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

    /// <summary>Names of the classes.</summary>
    public IReadOnlyList<string> ClassNames { get; }

    /// <summary>Metrics per image.</summary>
    public IReadOnlyList<ImageScore> Images { get; }

    /// <summary>All images' pixels.</summary>
    public ConfusionMatrix Confusion { get; }

    /// <summary>Mean IoU over the classes that occur, from all pixels together.</summary>
    public double MeanIoU => Confusion.MeanIoU;

    /// <summary>Mean Dice over the classes that occur, from all pixels together.</summary>
    public double MeanDice => Confusion.MeanDice;

    /// <summary>Share of the pixels with the right label.</summary>
    public double PixelAccuracy => Confusion.PixelAccuracy;

    /// <summary>Metrics per class.</summary>
    public IReadOnlyList<ClassScore> Classes => Scores(Confusion);

    /// <summary>Metrics per class of one image.</summary>
    public IReadOnlyList<ClassScore> Scores(ConfusionMatrix confusion) =>
        [.. ClassNames.Select((name, index) => new ClassScore(name, confusion.IoU(index), confusion.Dice(index)))];

    /// <summary>
    /// The JSON text of evaluation-SPLIT.json: meanIoU, meanDice, pixelAccuracy, classes[] of name, iou, dice (null where the class does
    /// not occur), confusion (rows: truth), and images[] of file and the same per image.
    /// </summary>
    public string ToJson()
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartObject();
            WriteScores(json, Confusion);
            json.WriteStartArray("images");
            foreach (ImageScore image in Images)
            {
                json.WriteStartObject();
                json.WriteString("file", image.File);
                WriteScores(json, image.Confusion);
                json.WriteEndObject();
            }
            json.WriteEndArray();
            json.WriteEndObject();
        }
        return Encoding.UTF8.GetString(stream.ToArray()) + "\n";
    }

    /// <summary>Writes <see cref="ToJson"/> to a file, in one piece or not at all.</summary>
    /// <exception cref="RunException">The file cannot be written.</exception>
    public void Save(string path) => AtomicFile.WriteText(path, ToJson());

    /// <summary>Reads what <see cref="Save"/> wrote.</summary>
    /// <exception cref="RunException">The file is missing, or is no such text.</exception>
    public static Evaluation Load(string path)
    {
        string text = AtomicFile.ReadText(path, "evaluate the run to make it");
        try
        {
            using JsonDocument document = JsonDocument.Parse(text);
            JsonElement root = document.RootElement;
            string[] names = [.. root.GetProperty("classes").EnumerateArray().Select(entry => entry.GetProperty("name").GetString() ?? "")];
            ImageScore[] images = [.. root.GetProperty("images").EnumerateArray().Select(entry =>
                new ImageScore(entry.GetProperty("file").GetString() ?? "", ReadConfusion(entry)))];
            return new Evaluation(names, images);
        }
        catch (Exception failure) when (failure is JsonException or KeyNotFoundException or InvalidOperationException or FormatException or ArgumentException)
        {
            throw new RunException($"not an evaluation of this program ({failure.Message})", place: path, remedy: "evaluate the run again",
                cause: failure) { Fault = RunFault.NoEvaluation };
        }
    }

    private static ConfusionMatrix ReadConfusion(JsonElement entry) => ConfusionMatrix.FromRows(
        [.. entry.GetProperty("confusion").EnumerateArray().Select(row => row.EnumerateArray().Select(count => count.GetInt64()).ToArray())]);

    private void WriteScores(Utf8JsonWriter json, ConfusionMatrix confusion)
    {
        json.WriteNumber("meanIoU", confusion.MeanIoU);
        json.WriteNumber("meanDice", confusion.MeanDice);
        json.WriteNumber("pixelAccuracy", confusion.PixelAccuracy);
        json.WriteStartArray("classes");
        foreach (ClassScore score in Scores(confusion))
        {
            json.WriteStartObject();
            json.WriteString("name", score.Name);
            WriteNumber(json, "iou", score.IoU);
            WriteNumber(json, "dice", score.Dice);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteStartArray("confusion");
        foreach (long[] row in confusion.ToRows())
        {
            json.WriteStartArray();
            foreach (long count in row)
                json.WriteNumberValue(count);
            json.WriteEndArray();
        }
        json.WriteEndArray();
    }

    private static void WriteNumber(Utf8JsonWriter json, string name, double? value)
    {
        if (value is { } number)
            json.WriteNumber(name, number);
        else
            json.WriteNull(name);
    }
}
