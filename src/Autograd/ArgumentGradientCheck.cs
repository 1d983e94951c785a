using CsUnet.Tensors;

namespace CsUnet.Autograd;

/// <summary>The findings for one argument, or for one group of arguments.</summary>
/// <param name="Name">The variable's name, its group, or its position.</param>
/// <param name="Shape">The argument's shape; for a group, the number of its entries.</param>
/// <param name="Findings">One per check.</param>
public sealed record ArgumentGradientCheck(string Name, Shape Shape, IReadOnlyList<GradientFinding> Findings)
{
    /// <summary>The most serious finding: the one with the worst verdict and, among these, the largest share of its tolerance.</summary>
    public GradientFinding Worst { get; } = Findings.OrderByDescending(finding => finding.Verdict)
        .ThenByDescending(finding => finding.Share).First();

    /// <summary>The worst verdict.</summary>
    public GradientVerdict Verdict => Worst.Verdict;

    /// <summary>Entries that were checked one by one.</summary>
    public int EntriesChecked => (int)(this[GradientChecks.Entries]?.Entries ?? 0);

    /// <summary>The finding of a check, or null if the check was not requested.</summary>
    public GradientFinding? this[GradientChecks check] => Findings.FirstOrDefault(finding => finding.Check == check);

    /// <inheritdoc />
    public override string ToString() => $"{Name} {Shape}: {string.Join("; ",
        Findings.Where(finding => finding.Verdict != GradientVerdict.Agrees).DefaultIfEmpty(Worst))}";
}
