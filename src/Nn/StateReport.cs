namespace CsUnet.Nn;

/// <summary>The result of loading a state dictionary.</summary>
/// <param name="Loaded">The module's names that were loaded.</param>
/// <param name="Missing">The module's names that the file does not contain; their values are unchanged.</param>
/// <param name="LeftOver">The file's names, without prefix, that the module does not have and that are not on the ignore list.</param>
/// <param name="Ignored">The file's names, without prefix, that the ignore list skipped.</param>
public sealed record StateReport(
    IReadOnlyList<string> Loaded, IReadOnlyList<string> Missing, IReadOnlyList<string> LeftOver, IReadOnlyList<string> Ignored)
{
    /// <summary>What differs in shape or element type, one text for each tensor; empty after loading, which refuses it.</summary>
    public IReadOnlyList<string> Unfit { get; init; } = [];
}
