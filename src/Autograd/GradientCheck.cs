using CsUnet.Kernels;
using CsUnet.Tensors;

namespace CsUnet.Autograd;

/// <summary>
/// Compares reverse-mode gradients with central differences in double. The differentiated scalar is sum(output * g) with fixed normal g.
/// The plain sum of the outputs would hide errors of softmax and norms, whose outputs sum to constants.
/// </summary>
/// <remarks>
/// An entry agrees if the difference is at most the tolerance plus the numeric derivative's estimate of its own error. If that estimate
/// alone exceeds the tolerance, the entry is undecided; an argument with too many undecided entries fails. A derivative along a random
/// direction checks all entries of an argument at once. <see cref="GradientChecks"/> lists the other checks.
/// </remarks>
/// <example><code>
/// var x = new Variable(Tensor.From([0.5, -1.0, 2.0], [1, 3]), requiresGradient: true, "x");
/// GradientCheckResult result = GradientCheck.Run(new Softmax(), [x]);
/// Console.WriteLine(result.Passed ? "agrees" : result.Failures);
/// </code></example>
public static class GradientCheck
{
    /// <summary>Checks an operator with respect to every input that requires a gradient.</summary>
    /// <param name="op">The operator.</param>
    /// <param name="inputs">Its inputs, null for omitted optional ones; those that require a gradient are float64 leaves.</param>
    /// <param name="options">Tolerance, entries, seed.</param>
    /// <exception cref="ArgumentException">An input that requires a gradient is not a float64 leaf, or there is none.</exception>
    public static GradientCheckResult Run(Operator op, IReadOnlyList<Variable?> inputs, GradientCheckOptions? options = null)
    {
        int[] places = [.. Enumerable.Range(0, inputs.Count).Where(i => inputs[i] is { RequiresGradient: true })];
        return Run(
            arguments =>
            {
                Variable?[] all = [.. inputs];
                for (int i = 0; i < places.Length; i++)
                    all[places[i]] = arguments[i];
                return Variable.Apply(op, all);
            },
            [.. places.Select(place => inputs[place]!)], options);
    }

    /// <summary>Checks a function of its arguments.</summary>
    /// <param name="function">
    /// Computes the output from the variables that it receives, in the order of <paramref name="arguments"/>. They are the arguments
    /// themselves or views of them. The function is called many times, so it must not draw new random numbers.
    /// </param>
    /// <param name="arguments">Float64 leaves that require gradients; the check changes their entries and restores them.</param>
    /// <param name="options">Tolerance, entries, seed.</param>
    /// <exception cref="ArgumentException">An argument is not a float64 leaf that requires a gradient, or there is none.</exception>
    public static GradientCheckResult Run(
        Func<IReadOnlyList<Variable>, Variable> function, IReadOnlyList<Variable> arguments, GradientCheckOptions? options = null)
    {
        options ??= new GradientCheckOptions();
        if (arguments.Count == 0)
            throw new ArgumentException("GradientCheck: no arguments, expected at least one", nameof(arguments));
        for (int i = 0; i < arguments.Count; i++)
            if (arguments[i].Value.DType != DType.Float64 || !arguments[i].RequiresGradient || arguments[i].Producer is not null)
                throw new ArgumentException(
                    $"GradientCheck: argument {i} is {arguments[i]}, expected a float64 leaf that requires a gradient", nameof(arguments));
        if (options.Checks == GradientChecks.None)
            throw new ArgumentException("GradientCheck: Checks is None, expected at least one of GradientChecks", nameof(options));
        foreach (IReadOnlyList<string>? words in new[] { options.Names, options.Groups })
            if (words is not null && words.Count != arguments.Count)
                throw new ArgumentException(
                    $"GradientCheck: {words.Count} names or groups, expected {arguments.Count}, one per argument", nameof(options));
        using var arena = new StepArena();
        return new GradientChecker(function, arguments, options, arena).Run();
    }

    /// <summary>
    /// Checks a function that captures its variables, for example a module with its parameters. It takes no arguments, so
    /// <see cref="GradientChecks.View"/> is skipped.
    /// </summary>
    /// <param name="function">Computes the output; called many times, so it must not draw new random numbers.</param>
    /// <param name="arguments">Float64 leaves that require gradients; the check changes their entries and restores them.</param>
    /// <param name="options">Tolerance, entries, seed.</param>
    /// <exception cref="ArgumentException">An argument is not a float64 leaf that requires a gradient, or there is none.</exception>
    public static GradientCheckResult Run(Func<Variable> function, IReadOnlyList<Variable> arguments, GradientCheckOptions? options = null)
    {
        options ??= new GradientCheckOptions();
        return Run(_ => function(), arguments, options with { Checks = options.Checks & ~GradientChecks.View });
    }

    /// <summary>
    /// Checks an operator with respect to all of its floating-point inputs, and throws if anything disagrees. On the CPU, its
    /// gradients must agree with central differences in float64. If an input is on a CUDA device, or <see cref="Device.Default"/> is one,
    /// output and gradients of its float32 kernels must also agree with those of the CPU.
    /// </summary>
    /// <param name="op">The operator.</param>
    /// <param name="inputs">Its inputs, null for omitted optional ones; their numbers should be away from kinks of the operator.</param>
    /// <exception cref="GradientCheckException">Something disagrees; the message says what, where and by how much.</exception>
    /// <exception cref="ArgumentException">No input has a floating-point type.</exception>
    public static void Require(Operator op, params Tensor?[] inputs)
    {
        using StepArena.PersistentScope scope = StepArena.Suspend();
        Tensor?[] here = [.. inputs.Select(input =>
            input is null ? null : input.DType.IsFloat() ? input.To(Device.Cpu).To(DType.Float64).Clone() : input.To(Device.Cpu))];
        Variable?[] variables =
            [.. here.Select((tensor, i) => tensor is null ? null : new Variable(tensor, tensor.DType.IsFloat(), $"input {i}"))];
        GradientCheckResult result = Run(op, variables);
        if (!result.Passed)
            throw new GradientCheckException(op.Name, result.Failures);
        Device device = inputs.FirstOrDefault(input => input?.Device.Kind == DeviceKind.Cuda)?.Device ?? Device.Default;
        if (device.Kind != DeviceKind.Cuda)
            return;
        IReadOnlyList<string> findings = new DeviceComparison(op, here, device).Run();
        if (findings.Count > 0)
            throw new GradientCheckException(op.Name, string.Join('\n', findings));
    }
}
