using System.Text;
using CsUnet.Data;

namespace CsUnet.Cli;

/// <summary>
/// fractions.csv in a folder of predictions: the area fractions of all images that were labelled into the folder, over all calls. It also
/// tells results of earlier calls, which a new one may replace, from files of others, which it may not.
/// </summary>
internal sealed class FractionsFile
{
    public const string Name = "fractions.csv", Header = "file,class,fraction";

    private readonly string _path;
    private readonly List<(string Text, string Stem)> _rows = [];

    private FractionsFile(string path) => _path = path;

    /// <summary>Reads the file of a folder; it may be absent.</summary>
    /// <exception cref="UsageException">A file of something else has its name, or it cannot be read.</exception>
    public static FractionsFile Open(string folder)
    {
        var file = new FractionsFile(Path.Combine(folder, Name));
        var info = new FileInfo(file._path);
        if (info.LinkTarget is not null)
            throw Foreign(file._path, "is a link");
        if (!info.Exists || info.Length == 0)
            return file;
        try
        {
            string[] records = [.. Records(File.ReadAllText(file._path))];
            if (records[0].TrimEnd('\r') != Header)
                throw Foreign(file._path, $"does not begin with '{Header}'");
            file._rows.AddRange(records.Skip(1).Select(record => (record, StemOf(record))));
            return file;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new UsageException($"cannot be read ({failure.Message})", place: file._path, remedy: "choose another --out",
                inner: failure);
        }
    }

    /// <summary>Refuses to replace a result's file that no prediction wrote.</summary>
    /// <param name="path">The file, which may be absent.</param>
    /// <param name="stem">The image's name without extension.</param>
    /// <exception cref="UsageException">It is a file of something else.</exception>
    public void RequireReplaceable(string path, string stem)
    {
        var file = new FileInfo(path);
        if (file.LinkTarget is not null)
            throw Foreign(path, "is a link");
        if (Directory.Exists(path))
            throw Foreign(path, "is a folder");
        // Versions that did not mark their PNG files listed them here.
        if (file.Exists && !PredictionFiles.Wrote(path) && _rows.All(row => row.Stem != stem))
            throw Foreign(path, "was not written by a prediction");
    }

    /// <summary>Writes the rows of new results after those of other images. Rows of the same images are replaced.</summary>
    /// <param name="rows">Rows, each with its line end.</param>
    /// <returns>The number of images whose earlier rows were replaced.</returns>
    public int Save(string rows)
    {
        var stems = Records(rows).Select(StemOf).ToHashSet();
        string kept = string.Concat(_rows.Where(row => !stems.Contains(row.Stem)).Select(row => $"{row.Text}\n"));
        OutputFiles.WriteText(_path, $"{Header}\n{kept}{rows}");
        return _rows.Select(row => row.Stem).Distinct().Count(stems.Contains);
    }

    private static UsageException Foreign(string path, string problem) =>
        new(problem, place: path, remedy: "move it away, or choose another --out");

    /// <summary>The records of a table without their line ends. A quoted cell may contain line ends.</summary>
    private static IEnumerable<string> Records(string text)
    {
        bool isQuoted = false;
        int start = 0;
        for (int i = 0; i < text.Length; i++)
        {
            if (text[i] == '"')
                isQuoted = !isQuoted;
            if (text[i] != '\n' || isQuoted)
                continue;
            yield return text[start..i];
            start = i + 1;
        }
        if (start < text.Length)
            yield return text[start..];
    }

    /// <summary>The name, without its extension, of the image in the first cell.</summary>
    private static string StemOf(string record)
    {
        if (!record.StartsWith('"'))
            return Path.GetFileNameWithoutExtension(record.Split(',')[0]);
        var cell = new StringBuilder();
        for (int i = 1; i < record.Length && (record[i] != '"' || (i + 1 < record.Length && record[i + 1] == '"')); i++)
        {
            cell.Append(record[i]);
            if (record[i] == '"')
                i++;
        }
        return Path.GetFileNameWithoutExtension(cell.ToString());
    }
}
