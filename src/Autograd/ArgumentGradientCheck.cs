using CsUnet.Tensors;

namespace CsUnet.Autograd;

/// <summary>What was found for one argument, or one group of them.</summary>
/// <param name="Name">The variable's name, its group, or its position.</param>
/// <param name="Shape">Its dimensions; of a group, the number of its entries.</param>
/// <param name="Findings">One per check.</param>
public sealed record ArgumentGradientCheck(string Name, Shape Shape, IReadOnlyList<GradientFinding> Findings)
{
    /// <summary>The finding that matters most: the worst verdict, and among equals the largest share of what was allowed.</summary>
    public GradientFinding Worst { get; } = Findings.OrderByDescending(finding => finding.Verdict)
        .ThenByDescending(finding => finding.Share).First();

    /// <summary>The worst verdict.</summary>
    public GradientVerdict Verdict => Worst.Verdict;

    /// <summary>Entries that were checked one by one.</summary>
    public int EntriesChecked => (int)(this[GradientChecks.Entries]?.Entries ?? 0);

    /// <summary>What a check found, or null if it was not asked for.</summary>
    public GradientFinding? this[GradientChecks check] => Findings.FirstOrDefault(finding => finding.Check == check);

    /// <inheritdoc />
    public override string ToString() => $"{Name} {Shape}: {string.Join("; ",
        Findings.Where(finding => finding.Verdict != GradientVerdict.Agrees).DefaultIfEmpty(Worst))}";
}
