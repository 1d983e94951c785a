namespace CsUnet.Verification;

/// <summary>
/// Finds operators by a part of their names, however these are spelt: <c>layer_norm</c>, <c>LayerNorm</c> and <c>layernorm</c> are one
/// name. A text is looked for anywhere in a name; one with <c>*</c>, which stands for anything, has to match the whole name, or its first
/// word.
/// </summary>
/// <param name="text">The text; null or empty: every name.</param>
public sealed class NamePattern(string? text)
{
    private readonly string _text = Plain(text ?? "");

    /// <summary>Whether a name holds the text, or matches it if the text has a <c>*</c>.</summary>
    /// <param name="name">An operator's name in either spelling, with or without more behind it.</param>
    public bool Matches(string name) => _text.Contains('*', StringComparison.Ordinal)
        ? IsLike(Plain(name)) || IsLike(Plain(name.Split(' ')[0]))
        : Plain(name).Contains(_text, StringComparison.Ordinal);

    /// <summary>Those of a list whose operator has exactly this name; if there are none, all whose names match.</summary>
    /// <param name="items">The list.</param>
    /// <param name="nameOf">An item's name; its first word is the operator's.</param>
    public IReadOnlyList<T> Choose<T>(IReadOnlyList<T> items, Func<T, string> nameOf)
    {
        T[] exact = [.. items.Where(item => Plain(nameOf(item).Split(' ')[0]) == _text)];
        return exact.Length > 0 ? exact : [.. items.Where(item => Matches(nameOf(item)))];
    }

    private static string Plain(string name) => name.Replace("_", "", StringComparison.Ordinal).ToLowerInvariant();

    /// <summary>
    /// Whether the parts between the stars stand in the name in their order, the first at its begin and the last at its end.
    /// </summary>
    private bool IsLike(string name)
    {
        string[] parts = _text.Split('*');
        int at = parts[0].Length, end = name.Length - parts[^1].Length;
        if (end < at || !name.StartsWith(parts[0], StringComparison.Ordinal) || !name.EndsWith(parts[^1], StringComparison.Ordinal))
            return false;
        foreach (string part in parts[1..^1])
        {
            int found = name.IndexOf(part, at, end - at, StringComparison.Ordinal);
            if (found < 0)
                return false;
            at = found + part.Length;
        }
        return true;
    }
}
