using System.Diagnostics;
using CsUnet.Autograd;
using CsUnet.Kernels;
using CsUnet.Tensors;

namespace CsUnet.Cases;

/// <summary>What came of one gradient check.</summary>
/// <param name="Name">The case.</param>
/// <param name="Result">What was found per argument; null if the case failed before.</param>
/// <param name="Failure">Null if all gradients agree; else what is wrong.</param>
/// <param name="Elapsed">Wall time.</param>
public sealed record GradCheckReport(string Name, GradientCheckResult? Result, string? Failure, TimeSpan Elapsed)
{
    /// <summary>Whether all gradients agree.</summary>
    public bool Passed => Failure is null;

    /// <summary>Entries checked, over all arguments.</summary>
    public int Entries => Result?.Arguments.Sum(argument => argument.EntriesChecked) ?? 0;

    /// <summary>The largest error of any argument, relative to its gradient's largest entry.</summary>
    public double Error => Result?.Worst.Error ?? double.PositiveInfinity;
}

/// <summary>Gradient checks of every operator, of the network's modules, and of a whole small CS-UNet in training and evaluation.</summary>
public static class GradCheckSuite
{
    private sealed record Check(string Name, bool OnlyInAll, Func<bool, GradientCheckResult> Run);

    private static readonly Check[] s_checks =
    [
        .. OperatorCases.All.Where(item => item.Inputs.Any(input => input is { NeedsGradient: true }))
            .Select(item => new Check(item.Name, OnlyInAll: false, all => RunOperator(item, entries: all ? 200 : 40))),
        .. ModuleCases.Modules.Select(item => new Check(item.Name, OnlyInAll: true, _ => RunModule(item.Create(), entries: 12))),
        .. ModuleCases.Networks.Select(item => new Check(item.Name, OnlyInAll: false, all => RunModule(item.Create(), entries: all ? 3 : 1))),
    ];

    /// <summary>The names of all checks, in the order in which they run.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. s_checks.Select(check => check.Name)];

    /// <summary>Runs the checks.</summary>
    /// <param name="pattern">Only those whose name holds this text; null or empty for all.</param>
    /// <param name="all">Also the single modules, and more entries of each argument; a pattern reaches the modules in any case.</param>
    /// <param name="report">Receives each result as it comes.</param>
    /// <returns>Whether all passed.</returns>
    /// <exception cref="ArgumentException">No check has such a name.</exception>
    public static bool Run(string? pattern, bool all, Action<GradCheckReport> report)
    {
        bool isSelected = !string.IsNullOrEmpty(pattern);
        Check[] chosen = [.. s_checks.Where(check => isSelected
            ? check.Name.Contains(pattern!, StringComparison.OrdinalIgnoreCase)
            : all || !check.OnlyInAll)];
        if (chosen.Length == 0)
            throw new ArgumentException(
                $"no gradient check has '{pattern}' in its name; there are {string.Join(", ", Names.Select(name => name.Split(' ')[0]).Distinct())}");
        bool passed = true;
        foreach (Check check in chosen)
        {
            GradCheckReport result = Run(check, all);
            report(result);
            passed &= result.Passed;
        }
        return passed;
    }

    /// <summary>Runs one check by its full name.</summary>
    /// <exception cref="ArgumentException">There is none of that name.</exception>
    public static GradCheckReport RunOne(string name, bool all) => Run(
        s_checks.FirstOrDefault(check => check.Name == name) ?? throw new ArgumentException($"there is no gradient check '{name}'"), all);

    private static GradCheckReport Run(Check check, bool all)
    {
        long start = Stopwatch.GetTimestamp();
        GradientCheckResult? result = null;
        string? failure;
        try
        {
            result = check.Run(all);
            failure = result.Passed ? null : result.Arguments.First(argument => argument.Verdict != GradientVerdict.Agrees).ToString();
        }
        catch (Exception error)
        {
            // One broken operator must not hide what the others do: it is reported as the failure that it is.
            failure = $"{error.GetType().Name}: {error.Message}";
        }
        return new GradCheckReport(check.Name, result, failure, Stopwatch.GetElapsedTime(start));
    }

    private static GradientCheckResult RunOperator(OperatorCase item, int entries)
    {
        Variable?[] inputs = item.CreateInputs(DType.Float64);
        // Applied twice, so that the second backward call adds to gradients that are there: overwriting them would halve the sum.
        return GradientCheck.Run(
            () => Variable.Apply(new Add(), Variable.Apply(item.Op, inputs), Variable.Apply(item.Op, inputs)),
            [.. inputs.OfType<Variable>().Where(input => input.RequiresGradient)],
            new GradientCheckOptions { Tolerance = Tolerances.GradientOfOperator, MaxEntries = entries });
    }

    // Thousands of rectifiers: the step starts small, so that it seldom crosses a kink.
    private static GradientCheckResult RunModule(DifferentiableCase item, int entries) => GradientCheck.Run(item.Function, item.Arguments,
        new GradientCheckOptions { Tolerance = Tolerances.GradientOfNetwork, MaxEntries = entries, Step = 1e-5, Names = item.Names });
}
