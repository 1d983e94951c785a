using System.Globalization;
using CsUnet.Kernels;
using CsUnet.Tensors;
using CsUnet.Verification;

namespace CsUnet.Lab;

/// <summary>Searches the variants of operators and their launch parameters for the fastest choice, and stores it for the engine.</summary>
/// <param name="device">The device that it is searched on and stored for.</param>
/// <param name="type">Element type of the activations.</param>
/// <param name="variant">The one variant to search; null: all but the CPU's plain loops, which are there to be compared with.</param>
/// <param name="report">Receives a line for every choice and for what was stored.</param>
public sealed class KernelTuner(Device device, DType type, string? variant, Action<string> report)
{
    private const string PlainLoops = "reference";

    /// <summary>How many operator calls have a stored choice from this search.</summary>
    public int Stored { get; private set; }

    /// <summary>How many choices do not give their operator's result.</summary>
    public int Failed { get; private set; }

    /// <summary>Searches the choices of an operator at a shape and stores the fastest one.</summary>
    /// <param name="name">The call's name in the report.</param>
    /// <param name="item">The operator and its inputs.</param>
    /// <param name="seconds">Checks a choice and measures both passes together.</param>
    /// <param name="isRefusal">Whether an exception says that the choice does not take the inputs.</param>
    /// <exception cref="IOException">The file of choices cannot be written.</exception>
    public void Tune(string name, OperatorCase item, Func<KernelChoice, double> seconds, Func<Exception, bool> isRefusal)
    {
        KernelChoice[] space =
            [.. item.Op.Variants(device.Kind)
                .Where(candidate => candidate.Name == variant || variant is null && candidate.Name != PlainLoops)
                .SelectMany(candidate => candidate.Space())];
        if (space.Length == 0)
        {
            report($"{name}: one way only on {device.Kind.ToString().ToLowerInvariant()}, nothing to search");
            return;
        }
        (KernelChoice Choice, double Seconds)? best = null;
        foreach (KernelChoice choice in space)
        {
            try
            {
                double time = seconds(choice);
                report(string.Create(CultureInfo.InvariantCulture, $"{name}: {choice,-40} {time * 1e6,10:F1} us"));
                if (best is null || time < best.Value.Seconds)
                    best = (choice, time);
            }
            catch (Exception failure) when (isRefusal(failure))
            {
                report($"{name}: {failure.Message}");
            }
            catch (CheckFailedException failure)
            {
                Failed++;
                report($"{name}: {choice}: not timed, its check failed: {failure.Message}");
            }
        }
        if (best is not { } fastest)
            return;
        using var arena = new StepArena();
        using StepArena.StepScope step = arena.BeginStep();
        KernelChoices.Store(device, item.Op, [.. item.CreateInputs(type, device).Select(input => input?.Value)], fastest.Choice);
        Stored++;
        report(string.Create(CultureInfo.InvariantCulture, $"{name}: stored {fastest.Choice} ({fastest.Seconds * 1e6:F1} us)"));
    }

    /// <summary>
    /// Searches the choices of a training step's call; each is compared with the operator's usual variant before it is measured.
    /// </summary>
    /// <param name="call">The call.</param>
    /// <param name="seconds">Measures both passes of a choice together.</param>
    /// <exception cref="IOException">The file of choices cannot be written.</exception>
    public void Tune(StepCall call, Func<OperatorCase, KernelChoice, double> seconds)
    {
        var check = new Lazy<VariantCheck>(() => new VariantCheck(call.Case, type, device));
        Tune($"{call}", call.Case, choice => check.Value.Problem(choice) is { } problem
            ? throw new CheckFailedException(problem)
            : seconds(call.Case, choice), failure => failure is VariantNotTakenException);
    }
}
