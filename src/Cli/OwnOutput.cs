using System.Text;
using System.Text.RegularExpressions;
using CsUnet.Tensors;

namespace CsUnet.Cli;

/// <summary>
/// Tells results of this program, which a later call may replace, from files of others, which it may not. Results carry no name of their
/// own; they are recognised by how they begin. A file that is empty, as mktemp makes it, holds nothing that could be lost.
/// </summary>
internal static partial class OwnOutput
{
    private const int LongestBeginning = 4096;

    /// <summary>Refuses to replace a file that no call of this program wrote.</summary>
    /// <param name="place">The option with its value.</param>
    /// <param name="path">The file, which may be absent.</param>
    /// <exception cref="UsageException">It is a file of something else, a link or a device.</exception>
    public static void RequireReplaceable(string place, string path)
    {
        const string remedy = "give another name, or move it away";
        var file = new FileInfo(path);
        if (file.LinkTarget is { } target)
            throw new UsageException($"this is a link to {target}", "a new file, or an earlier result of this program", place, remedy);
        if (Path.GetFullPath(path).StartsWith("/dev/", StringComparison.Ordinal))
            throw new UsageException("this is a device", "a file", place);
        if (file.Exists && !IsOwn(file))
        {
            throw new UsageException("a file of something else is there already", "a new file, or an earlier result of this program", place,
                remedy);
        }
    }

    /// <summary>Refuses a folder in which the files of reference cases would replace other files.</summary>
    /// <exception cref="UsageException">A safetensors file there is none of a case.</exception>
    public static void RequireCases(string place, string folder)
    {
        foreach (string path in Directory.Exists(folder) ? Directory.EnumerateFiles(folder, "*.safetensors") : [])
        {
            using SafetensorsFile file = SafetensorsFile.Read(path);
            if (!file.Metadata.ContainsKey("op"))
                throw new UsageException($"{path} is no reference case, and could be replaced", "a folder without other weights", place);
        }
    }

    private static bool IsOwn(FileInfo file)
    {
        if (file.Length == 0)
            return true;
        using FileStream stream = file.OpenRead();
        byte[] bytes = new byte[Math.Min(LongestBeginning, file.Length)];
        int count = stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
        return Beginning().IsMatch(Encoding.UTF8.GetString(bytes, 0, count));
    }

    // The first entry of a JSON file; the header of a table; the head of a page; the style of a chart.
    [GeneratedRegex("""
        ^(?:\{\s*"what":
        |operator,shape,pass,variant,
        |kernel,line,memory,direction,
        |file,class,fraction\r?\n
        |<!doctype\ html>\s*<html\ lang="en"><head><meta\ charset="utf-8"><meta\ name="viewport"[^>]*>
            \s*<meta\ name="color-scheme"\ content="light\ dark"><title>
        |<\?xml\ version="1\.0"\ encoding="UTF-8"\?>\s*<svg\ class="chart"\ [^>]*><style>\.chart\{)
        """, RegexOptions.IgnorePatternWhitespace | RegexOptions.Singleline)]
    private static partial Regex Beginning();
}
