using System.Globalization;
using CsUnet.Tensors;

namespace CsUnet.Lab;

/// <summary>The profile of the emulated device as CSV: read, summed, and compared.</summary>
public static class KernelProfile
{
    /// <summary>The first line of the CSV.</summary>
    public const string Heading = "kernel,line,memory,direction,size,requests,bytes,actual,ideal,ratio";

    // Ratios of equal programs are equal; the margin only allows for rounding in a table written by hand.
    private const double Margin = 0.001;

    /// <summary>The rows of a CSV text.</summary>
    /// <param name="csv">The text.</param>
    /// <param name="source">Its origin, for messages.</param>
    /// <exception cref="InvalidFileException">The text is not such a table.</exception>
    public static IReadOnlyList<KernelCost> Parse(string csv, string source) => Read(() => csv, source);

    /// <summary>The rows of a CSV file.</summary>
    /// <exception cref="InvalidFileException">It cannot be read, or is not such a table.</exception>
    public static IReadOnlyList<KernelCost> Load(string path) => Read(() => ReadFile.Text(path), path);

    private static IReadOnlyList<KernelCost> Read(Func<string> text, string source) => ReadFile.Parse<IReadOnlyList<KernelCost>,
        InvalidFileException>(source, "not a table of a kernel profile", () =>
    {
        string[] lines = text().Split('\n', StringSplitOptions.TrimEntries);
        if (lines[0] != Heading)
            throw new FileTextException($"begins with '{PlainText.Short(lines[0], 80)}'", $"'{Heading}'", 1);
        return [.. lines.Skip(1).Select((line, index) => line.Length == 0 ? null : Row(line) ?? throw new FileTextException(
            $"'{PlainText.Short(line, 80)}' is no row of a profile", Heading, index + 2)).OfType<KernelCost>()];
    }, problem => new InvalidFileException(problem, "write the table again"));

    /// <summary>The sums of each kernel over its lines, by kernel and memory.</summary>
    public static IReadOnlyDictionary<(string Kernel, string Memory), KernelCost> Totals(IEnumerable<KernelCost> rows) => rows
        .GroupBy(row => (row.Kernel, row.Memory))
        .ToDictionary(group => group.Key, group => new KernelCost(
            group.Key.Kernel, "", group.Key.Memory, "", 0, group.Sum(row => row.Requests), group.Sum(row => row.Bytes),
            group.Sum(row => row.Actual), group.Sum(row => row.Ideal)));

    /// <summary>
    /// Why <paramref name="now"/> is worse than <paramref name="before"/>: one sentence for each kernel and memory whose ratio rose, with
    /// the line whose excess over the ideal rose most.
    /// </summary>
    public static IEnumerable<string> Rises(IReadOnlyList<KernelCost> before, IReadOnlyList<KernelCost> now)
    {
        IReadOnlyDictionary<(string Kernel, string Memory), KernelCost> old = Totals(before);
        foreach (((string Kernel, string Memory) key, KernelCost total) in Totals(now)
            .OrderBy(item => item.Key.Kernel, StringComparer.Ordinal))
        {
            if (!old.TryGetValue(key, out KernelCost? was) || total.Ratio <= was.Ratio + Margin)
                continue;
            // Inserted lines shift line numbers: an old number loses its counts and a new one has all of them. The worst line is still the
            // right one.
            Dictionary<string, long> excess = Excess(before, key);
            (string line, _) = Excess(now, key).MaxBy(item => item.Value - excess.GetValueOrDefault(item.Key));
            yield return string.Create(CultureInfo.InvariantCulture,
                $"{key.Kernel}: {Unit(key.Memory)} rose from {was.Ratio:F3} to {total.Ratio:F3} times the ideal, most of it at {line}");
        }
    }

    /// <summary>The unit of a memory's actual and ideal counts.</summary>
    public static string Unit(string memory) => memory == "global" ? "sectors of global memory" : "wavefronts of shared memory";

    private static Dictionary<string, long> Excess(IEnumerable<KernelCost> rows, (string Kernel, string Memory) key) => rows
        .Where(row => (row.Kernel, row.Memory) == key)
        .GroupBy(row => row.Line).ToDictionary(group => group.Key, group => group.Sum(row => row.Actual - row.Ideal));

    private static KernelCost? Row(string line)
    {
        string[] words = line.Split(',');
        var numbers = new long[5];
        if (words.Length != 10)
            return null;
        for (int i = 0; i < numbers.Length; i++)
        {
            if (!long.TryParse(words[4 + i], NumberStyles.None, CultureInfo.InvariantCulture, out numbers[i]))
                return null;
        }
        return new KernelCost(
            words[0], words[1], words[2], words[3], (int)numbers[0], numbers[1], numbers[2], numbers[3], numbers[4]);
    }
}
