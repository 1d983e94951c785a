namespace CsUnet.Tensors;

/// <summary>Finds the known word that a misspelt word was meant to be.</summary>
public static class NearestName
{
    /// <summary>
    /// The known word nearest to <paramref name="word"/> by edit distance. Null if even that one differs by more than two letters and by
    /// more than a third of the letters.
    /// </summary>
    public static string? Of(string word, IEnumerable<string> known)
    {
        string? best = null;
        int bestDistance = int.MaxValue;
        foreach (string candidate in known)
        {
            // If one word begins with the other, as batch-size does with batch, it is a better hint than the edit distance suggests.
            bool isBeginning = Math.Min(word.Trim('-').Length, candidate.Trim('-').Length) >= 3
                && (candidate.StartsWith(word, StringComparison.OrdinalIgnoreCase)
                    || word.StartsWith(candidate, StringComparison.OrdinalIgnoreCase));
            int distance = isBeginning
                ? 1
                : Distance(word.ToLowerInvariant(), candidate.ToLowerInvariant());
            if (distance < bestDistance)
                (best, bestDistance) = (candidate, distance);
        }
        return bestDistance <= Math.Max(2, word.Trim('-').Length / 3) ? best : null;
    }

    /// <summary>The question whether <see cref="Of"/> was meant, as a remedy of an error; null when no known word is near.</summary>
    public static string? Hint(string word, IEnumerable<string> known) =>
        Of(word, known) is { } nearest ? $"did you mean '{nearest}'?" : null;

    /// <summary>
    /// Optimal string alignment: the fewest insertions, deletions, replacements and swaps of neighbours that turn one word into the other.
    /// </summary>
    public static int Distance(string a, string b)
    {
        var d = new int[a.Length + 1, b.Length + 1];
        for (int i = 0; i <= a.Length; i++)
            d[i, 0] = i;
        for (int j = 0; j <= b.Length; j++)
            d[0, j] = j;
        for (int i = 1; i <= a.Length; i++)
        {
            for (int j = 1; j <= b.Length; j++)
            {
                int cost = a[i - 1] == b[j - 1] ? 0 : 1;
                d[i, j] = Math.Min(Math.Min(d[i - 1, j] + 1, d[i, j - 1] + 1), d[i - 1, j - 1] + cost);
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                    d[i, j] = Math.Min(d[i, j], d[i - 2, j - 2] + 1);
            }
        }
        return d[a.Length, b.Length];
    }
}
