namespace CsUnet.Verification;

/// <summary>The result of a folder of golden cases.</summary>
/// <param name="Passed">Number of cases that passed.</param>
/// <param name="Failed">Number of cases that failed.</param>
/// <param name="LeftOut">Names of the full-size cases that were not run.</param>
/// <param name="Missing">Names of the reference cases that were not run, each with the network that the engine does not have.</param>
public sealed record SelfTestSummary(
    int Passed, int Failed, IReadOnlyList<string> LeftOut, IReadOnlyList<(string Case, string Network)> Missing)
{
    /// <summary>Whether at least one case ran and none failed.</summary>
    public bool Succeeded => Failed == 0 && Passed > 0;
}
