namespace CsUnet.Verification;

/// <summary>The JSON file of a gradient check.</summary>
internal sealed record GradCheckFile(
    string What, string Date, string Command, string Version, string? Commit, string Device, string Processor, int Threads, bool All,
    int Passed, int Failed, int NotTaken, long Entries, int Undecided, long Shapes, double Seconds,
    IReadOnlyList<GradCheckFile.CheckEntry> Checks)
{
    /// <summary>A check.</summary>
    internal sealed record CheckEntry(
        string Name, string Kind, string Type, bool Passed, double Seconds, string Kinks, string? Failure, string? NotTaken,
        string? Reproduction, IReadOnlyList<ArgumentEntry> Arguments);

    /// <summary>An argument of a check; numbers that are not finite are null, since JSON has no infinity.</summary>
    internal sealed record ArgumentEntry(
        string Name, bool Passed, string Check, double? Error, double? Share, long Entries, int Undecided, int ShortSteps, string Where,
        string? Failure);
}
