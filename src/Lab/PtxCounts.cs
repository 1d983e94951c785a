using System.Text.RegularExpressions;

namespace CsUnet.Lab;

/// <summary>Static counts of a kernel's PTX instructions, before ptxas: loops count once.</summary>
/// <param name="All">All instructions.</param>
/// <param name="Global">Loads and stores of global memory.</param>
/// <param name="Shared">Loads and stores of shared memory.</param>
/// <param name="Matrix">mma.sync instructions.</param>
/// <param name="MultiplyAdds">Fused multiply-adds.</param>
/// <param name="Barriers">Block barriers.</param>
public sealed partial record PtxCounts(int All, int Global, int Shared, int Matrix, int MultiplyAdds, int Barriers)
{
    /// <summary>The counts of every entry function of a PTX text, by name.</summary>
    public static IReadOnlyDictionary<string, PtxCounts> Of(string ptx)
    {
        var all = new Dictionary<string, PtxCounts>(StringComparer.Ordinal);
        foreach (Match entry in EntryPattern().Matches(ptx))
        {
            string[] instructions = [.. entry.Groups["body"].Value.Split('\n').Select(line => line.Trim())
                .Where(line => line.EndsWith(';') && !line.StartsWith('.') && !line.StartsWith("//", StringComparison.Ordinal))
                .Select(line => PredicatePattern().Replace(line, ""))];
            int Count(params string[] starts) =>
                instructions.Count(line => starts.Any(start => line.StartsWith(start, StringComparison.Ordinal)));
            all[entry.Groups["name"].Value] = new PtxCounts(
                instructions.Length, Count("ld.global", "st.global", "cp.async.c"), Count("ld.shared", "st.shared", "ldmatrix"),
                Count("mma.sync"), Count("fma.rn.f32"), Count("bar.sync", "barrier.sync"));
        }
        return all;
    }

    [GeneratedRegex(@"\.entry (?<name>\w+)\(.*?^\{(?<body>.*?)^\}", RegexOptions.Singleline | RegexOptions.Multiline)]
    private static partial Regex EntryPattern();

    [GeneratedRegex(@"^@!?%p\d+\s+")]
    private static partial Regex PredicatePattern();
}
