using System.Globalization;
using System.Text;
using CsUnet.Cuda;

namespace CsUnet.Training;

/// <summary>metrics.csv: a header, then one row per step.</summary>
public sealed class MetricsLog : IDisposable
{
    /// <summary>The header line.</summary>
    public const string Header = "step,epoch,loss,lr,val_loss,val_mean_iou,images_per_second";

    private readonly string _path;
    private readonly FileStream _file;

    /// <summary>Opens a log to append rows after <paramref name="step"/>. Later rows, left by a killed run, are deleted.</summary>
    /// <param name="path">The file.</param>
    /// <param name="step">The last step whose row is kept.</param>
    /// <exception cref="RunException">The file cannot be written, or is not a metrics log.</exception>
    internal MetricsLog(string path, int step)
    {
        _path = path;
        string text = step > 0 && File.Exists(path) ? Kept(path, step) : Header + "\n";
        // The rows are appended to the file that is created here, even if a link is put in its place.
        _file = RunFiles.CreateText(path, text);
    }

    /// <summary>Reads the rows of a file.</summary>
    /// <exception cref="RunException">The file cannot be read, or is not a metrics log.</exception>
    public static IReadOnlyList<MetricsRow> Read(string path)
    {
        string[] lines = RunFiles.ReadText(path, "give the folder of a run that has done a step").Split('\n');
        if (lines[0].TrimEnd('\r') != Header)
            throw new RunException($"begins with '{lines[0].TrimEnd('\r')}'", $"'{Header}'", path);
        // A kill can leave half a row at the end, so only rows that end with a newline count.
        return [.. lines[1..^1].Select((line, i) => Parse(path, i + 2, line.TrimEnd('\r')))];
    }

    internal void Append(MetricsRow row) => Write(() =>
    {
        _file.Write(Encoding.UTF8.GetBytes(Line(row)));
        _file.Flush();
    });

    /// <summary>Forces all rows written so far to disk.</summary>
    internal void FlushToDisk() => Write(() => DiskFlush.Flush(_file));

    /// <summary>Closes the file.</summary>
    public void Dispose() => _file.Dispose();

    private void Write(Action write)
    {
        try
        {
            write();
        }
        catch (IOException failure)
        {
            throw new RunException($"cannot be written ({failure.Message})", place: _path,
                remedy: "check the free space, then resume the run",
                cause: failure) { Fault = RunFault.NotWritten };
        }
    }

    private static string Kept(string path, int step)
    {
        var text = new StringBuilder(Header + "\n");
        foreach (MetricsRow row in Read(path).Where(row => row.Step <= step))
            text.Append(Line(row));
        return text.ToString();
    }

    private static string Line(MetricsRow row)
    {
        CultureInfo c = CultureInfo.InvariantCulture;
        return $"{row.Step.ToString(c)},{row.Epoch.ToString(c)},{row.Loss.ToString("R", c)},{row.LearningRate.ToString("R", c)},"
            + $"{row.ValidationLoss?.ToString("R", c)},{row.ValidationMeanIoU?.ToString("R", c)},"
            + $"{row.ImagesPerSecond.ToString("0.###", c)}\n";
    }

    private static MetricsRow Parse(string path, int line, string text)
    {
        string[] cells = text.Split(',');
        try
        {
            if (cells.Length == 7)
                return new MetricsRow(int.Parse(cells[0], CultureInfo.InvariantCulture), int.Parse(cells[1], CultureInfo.InvariantCulture),
                    Number(cells[2]), Number(cells[3]), Optional(cells[4]), Optional(cells[5]), Number(cells[6]));
        }
        catch (FormatException failure)
        {
            throw new RunException($"'{text}' is no row", Header, $"{path}, line {line}", cause: failure);
        }
        throw new RunException($"'{text}' is no row", Header, $"{path}, line {line}");
    }

    private static double Number(string cell) => double.Parse(cell, NumberStyles.Float, CultureInfo.InvariantCulture);

    private static double? Optional(string cell) => cell.Length == 0 ? null : Number(cell);
}
