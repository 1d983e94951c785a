using System.Globalization;
using System.Text;
using CsUnet.Tensors;
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
    /// <param name="warn">
    /// Receives what is damaged in the file: a training does not need it, so it goes on with the sound rows, and the file as it was is kept
    /// as metrics.csv.damaged.
    /// </param>
    /// <param name="last">The row of <paramref name="step"/> as the checkpoint knows it; null if it does not.</param>
    /// <exception cref="RunException">The file cannot be written.</exception>
    internal MetricsLog(string path, int step, Action<string>? warn = null, MetricsRow? last = null)
    {
        _path = path;
        string text = step > 0 && Path.Exists(path) ? Kept(path, step, warn, last) : Header + "\n";
        // The rows are appended to the file that is created here, even if a link is put in its place.
        _file = RunFiles.CreateText(path, text);
    }

    /// <summary>Reads the rows of a file.</summary>
    /// <exception cref="RunException">The file cannot be read, or is not a metrics log.</exception>
    public static IReadOnlyList<MetricsRow> Read(string path) => RunFiles.Read(
        path, "not a metrics log", "delete it; a run does not need it", () =>
        {
            IReadOnlyList<MetricsRow> rows = Sound(ReadFile.Text(path), out IReadOnlyList<FileTextException> damaged);
            return damaged.Count == 0 ? rows : throw damaged[0];
        });

    /// <summary>Reads the rows of a file that are not damaged.</summary>
    /// <param name="path">The file.</param>
    /// <param name="damage">What is left out, in one line; null if nothing is.</param>
    /// <exception cref="RunException">The file cannot be read.</exception>
    public static IReadOnlyList<MetricsRow> ReadSound(string path, out string? damage)
    {
        IReadOnlyList<FileTextException> damaged = [];
        // Every row is checked, so bytes that are no text need no check of their own.
        IReadOnlyList<MetricsRow> rows = RunFiles.Read(path, "not a metrics log", "delete it; a run does not need it",
            () => Sound(Encoding.UTF8.GetString(File.ReadAllBytes(path)), out damaged));
        damage = damaged.Count == 0 ? null : Describe(path, damaged);
        return rows;
    }

    private static string Describe(string path, IReadOnlyList<FileTextException> damaged)
    {
        const int named = 8;
        string lines = string.Join(", ", damaged.Take(named).Select(row => row.Line!.Value.ToString(CultureInfo.InvariantCulture)));
        string rest = damaged.Count > named ? string.Create(CultureInfo.InvariantCulture, $" and {damaged.Count - named} more") : "";
        return ProblemText.Compose(path, $"{(damaged.Count == 1 ? "line" : "lines")} {lines}{rest} {(damaged.Count == 1 ? "is" : "are")} "
            + $"damaged (line {damaged[0].Line}: {damaged[0].Problem})");
    }

    private static IReadOnlyList<MetricsRow> Sound(string text, out IReadOnlyList<FileTextException> damaged)
    {
        string[] lines = text.Split('\n');
        var rows = new List<MetricsRow>();
        var faults = new List<FileTextException>();
        if (lines[0].TrimEnd('\r') != Header)
        {
            faults.Add(new FileTextException($"begins with '{PlainText.Short(lines[0].TrimEnd('\r'), 80)}'", $"'{Header}'", 1));
            // A file that has lost its header still has its first row.
            if (lines.Length > 1 && Parse(lines[0].TrimEnd('\r')) is { } first)
                rows.Add(first);
        }
        // A kill can leave half a row at the end, so only rows that end with a newline count.
        for (int i = 1; i < lines.Length - 1; i++)
        {
            if (Parse(lines[i].TrimEnd('\r')) is { } row)
                rows.Add(row);
            else
                faults.Add(new FileTextException($"'{PlainText.Short(lines[i], 80)}' is no row", Header, i + 1));
        }
        damaged = faults;
        return rows;
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

    private static string Kept(string path, int step, Action<string>? warn, MetricsRow? last)
    {
        var text = new StringBuilder(Header + "\n");
        IReadOnlyList<MetricsRow> rows = ReadSound(path, out string? damage);
        if (last is not null && rows.LastOrDefault(row => row.Step == last.Step) is { } found
            && (found.Loss, found.LearningRate) != (last.Loss, last.LearningRate))
        {
            string other = RunFiles.SetAside(path);
            warn?.Invoke($"{path}: its row of step {last.Step} is not that of the checkpoint, so its rows are those of another run; "
                + $"the file is kept as {other}");
            return text.ToString();
        }
        foreach (MetricsRow row in rows.Where(row => row.Step <= step))
            text.Append(Line(row));
        if (damage is not null)
        {
            string aside = RunFiles.SetAside(path);
            warn?.Invoke($"{damage}; the file as it was is kept as {aside}");
        }
        return text.ToString();
    }

    private static string Line(MetricsRow row)
    {
        CultureInfo c = CultureInfo.InvariantCulture;
        return $"{row.Step.ToString(c)},{row.Epoch.ToString(c)},{row.Loss.ToString("R", c)},{row.LearningRate.ToString("R", c)},"
            + $"{row.ValidationLoss?.ToString("R", c)},{row.ValidationMeanIoU?.ToString("R", c)},"
            + $"{row.ImagesPerSecond.ToString("0.###", c)}\n";
    }

    /// <summary>The row of a line; null if it is none.</summary>
    private static MetricsRow? Parse(string line)
    {
        string[] cells = line.Split(',');
        double? validationLoss = null, validationIoU = null;
        return cells.Length == 7
            && Count(cells[0], out int step) && Count(cells[1], out int epoch) && Number(cells[2], out double loss)
            && Number(cells[3], out double rate) && Optional(cells[4], ref validationLoss) && Optional(cells[5], ref validationIoU)
            && Number(cells[6], out double speed)
                ? new MetricsRow(step, epoch, loss, rate, validationLoss, validationIoU, speed)
                : null;
    }

    private static bool Count(string cell, out int count) =>
        int.TryParse(cell, NumberStyles.None, CultureInfo.InvariantCulture, out count) && count > 0;

    // A training stops at a number that is not finite, so no row has one.
    private static bool Number(string cell, out double number) =>
        double.TryParse(cell, NumberStyles.Float, CultureInfo.InvariantCulture, out number) && double.IsFinite(number);

    private static bool Optional(string cell, ref double? value)
    {
        bool isNumber = Number(cell, out double number);
        value = isNumber ? number : null;
        return isNumber || cell.Length == 0;
    }
}
