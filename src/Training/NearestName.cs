namespace CsUnet.Training;

/// <summary>Finds what a misspelt name was meant to be.</summary>
internal static class NearestName
{
    /// <summary>"; did you mean 'X'?" for the known name nearest by edit distance, or nothing when none is near.</summary>
    public static string Hint(string name, IEnumerable<string> known)
    {
        string? best = known.MinBy(candidate => Distance(name, candidate));
        return best is not null && Distance(name, best) <= Math.Max(2, name.Length / 3) ? $"; did you mean '{best}'?" : "";
    }

    // Levenshtein: insertions, deletions and replacements, one row of the table at a time.
    private static int Distance(string a, string b)
    {
        int[] row = [.. Enumerable.Range(0, b.Length + 1)];
        for (int i = 1; i <= a.Length; i++)
        {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= b.Length; j++)
            {
                int above = row[j];
                bool equal = char.ToLowerInvariant(a[i - 1]) == char.ToLowerInvariant(b[j - 1]);
                row[j] = Math.Min(Math.Min(above, row[j - 1]) + 1, diagonal + (equal ? 0 : 1));
                diagonal = above;
            }
        }
        return row[b.Length];
    }
}
