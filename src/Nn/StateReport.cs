namespace CsUnet.Nn;

/// <summary>What came of loading a state dictionary.</summary>
/// <param name="Loaded">The module's names that were set.</param>
/// <param name="Missing">The module's names that the file does not hold; they are as they were before.</param>
/// <param name="LeftOver">The file's names without prefix that the module does not know and that were not to be ignored.</param>
/// <param name="Ignored">The file's names without prefix that were to be ignored.</param>
public sealed record StateReport(
    IReadOnlyList<string> Loaded, IReadOnlyList<string> Missing, IReadOnlyList<string> LeftOver, IReadOnlyList<string> Ignored);
