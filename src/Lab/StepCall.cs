using CsUnet.Autograd;
using CsUnet.Kernels;
using CsUnet.Tensors;
using CsUnet.Verification;

namespace CsUnet.Lab;

/// <summary>A call of an operator in a training step, for which a variant can be chosen.</summary>
/// <param name="Case">The operator on random inputs of the call's shapes and element types.</param>
/// <param name="Count">How many calls of the step are like it.</param>
public sealed record StepCall(OperatorCase Case, int Count)
{
    /// <summary>
    /// Runs a step and collects its calls, in the order of their first appearance. Calls that one stored choice decides are one.
    /// </summary>
    /// <param name="runStep">Runs the step on this thread, launch by launch.</param>
    /// <param name="device">Where it runs.</param>
    public static IReadOnlyList<StepCall> Record(Action runStep, Device device)
    {
        IReadOnlyList<OperatorTrace.Entry> entries;
        using (var trace = new OperatorTrace())
        {
            runStep();
            entries = trace.Entries;
        }
        return
        [
            .. entries.Where(entry => !entry.IsBackward && entry.Operator.Variants(device.Kind).Count > 0)
                .GroupBy(TuningKey)
                // A layer whose input needs no gradient, the first of a network, has less to do than the others of its shape.
                .Select(group =>
                    new StepCall(CaseOf(group.MaxBy(entry => entry.NeedsGradient.Count(needs => needs))!, group.Key), group.Count())),
        ];
    }

    /// <summary>What decides which variant is fastest for a call: <see cref="Operator.TuningKey"/>.</summary>
    internal static string TuningKey(OperatorTrace.Entry entry)
    {
        using var arena = new StepArena();
        using StepArena.StepScope step = arena.BeginStep();
        return entry.Operator.TuningKey(
            [.. entry.Inputs.Zip(entry.Types, (shape, type) => shape is null ? null : Tensor.Empty(shape, type!.Value))]);
    }

    /// <summary>The call as a case; how its inputs are drawn and called is taken from a case of the tests.</summary>
    private static OperatorCase CaseOf(OperatorTrace.Entry entry, string key)
    {
        OperatorCase like = OperatorCases.All.Where(item => item.Op.GetType() == entry.Operator.GetType())
            .MaxBy(item =>
                entry.Inputs.Where((shape, i) => shape is not null && i < item.Inputs.Count && item.Inputs[i] is not null).Count())
            ?? throw new CaseException($"{entry.Operator.Name}: no case of OperatorCases.cs says how its inputs are drawn");
        DType activations = entry.Types[0]!.Value;
        return new OperatorCase(key, entry.Operator, like.Exactness,
            [.. entry.Inputs.Select((shape, i) => shape is null ? null : Input(i, shape))]);

        OperatorInput Input(int i, Shape shape)
        {
            OperatorInput known = i < like.Inputs.Count && like.Inputs[i] is { } input
                ? input
                : new OperatorInput($"input {i}", shape, Role: entry.Types[i] == activations ? InputRole.Activation : InputRole.Parameter);
            return known with
            {
                Shape = shape, NeedsGradient = entry.NeedsGradient[i], Fill = known.Role == InputRole.MatrixWeight
                    ? Fill.FanIn
                    : known.Fill,
            };
        }
    }

    /// <inheritdoc />
    public override string ToString() => Count == 1 ? Case.Label : $"{Case.Label} ({Count} calls)";
}
