using CsUnet.Tensors;

namespace CsUnet.Kernels;

/// <summary>
/// A differentiable operator: a record of its settings (epsilon, stride, ...), with a forward rule and a backward rule. It is stateless;
/// what one call leaves for its backward pass lives in the <see cref="OperatorCall"/>. One file per operator holds the shape rule, both
/// passes and the cost; the tape of CsUnet.Autograd knows none of them by name.
/// </summary>
public abstract record Operator
{
    /// <summary>The operator's name in messages, cases and profiles: the record's name.</summary>
    public string Name => GetType().Name;

    /// <summary>Computes the output. Inputs are <see cref="OperatorCall.Inputs"/>, in the order that the operator documents.</summary>
    /// <exception cref="ShapeException">An input has a shape or element type that the operator does not take.</exception>
    public abstract Tensor Forward(OperatorCall call);

    /// <summary>
    /// Adds the gradients of a scalar with respect to every input that needs one, given its gradient with respect to the output.
    /// </summary>
    /// <param name="call">The forward call: its inputs, output and saved tensors.</param>
    /// <param name="dOutput">The gradient of the output, shaped like the output.</param>
    /// <param name="gradients">Receives the inputs' gradients.</param>
    public abstract void Backward(OperatorCall call, Tensor dOutput, GradientSink gradients);

    /// <summary>
    /// Work of one forward call: multiply-adds of the matrix products, convolutions and attention (0 for all else), from shapes alone.
    /// </summary>
    public virtual long MultiplyAdds(OperatorCall call) => 0;

    /// <summary>Whether the operator has kernels for a kind of device; every operator runs on the processor.</summary>
    public virtual bool RunsOn(DeviceKind device) => device == DeviceKind.Cpu;

    /// <summary>The ways to compute the operator on a kind of device, the usual one first; empty if there is one way only.</summary>
    public virtual IReadOnlyList<KernelVariant> Variants(DeviceKind device) => [];

    /// <summary>
    /// What decides which variant is fastest, as text: settings and shapes. Operators that work on rows leave out how the rows are arranged,
    /// and what draws random numbers, so that a choice measured once holds for every layer of that size.
    /// </summary>
    /// <param name="inputs">The inputs of a call.</param>
    public virtual string TuningKey(IReadOnlyList<Tensor?> inputs) =>
        $"{this} {string.Join(' ', inputs.Select(input => input is null ? "-" : input.Shape.ToString()))}";

    /// <summary>Throws a <see cref="ShapeException"/> for this operator unless <paramref name="condition"/> holds.</summary>
    /// <param name="condition">What must hold.</param>
    /// <param name="argument">The argument's name.</param>
    /// <param name="got">What it is: a shape, tensor or number.</param>
    /// <param name="expected">What was expected, and from what that follows.</param>
    protected void Require(bool condition, string argument, object? got, string expected)
    {
        if (!condition)
            throw new ShapeException(Name, argument, got, expected);
    }

    /// <summary>Checks that an input is a tensor of the first input's element type.</summary>
    protected void RequireSameType(OperatorCall call, string argument, Tensor tensor)
    {
        DType type = call[0].DType;
        Require(tensor.DType == type, argument, tensor, $"{type.Label()} = element type of input {call[0].Shape}");
    }

    /// <summary>
    /// Checks that a parameter (weight, bias, running statistic) has the element type that goes with the first input's: float32 beside
    /// bfloat16, else the same; see <see cref="DTypes.OfParameters"/>.
    /// </summary>
    protected void RequireParameterType(OperatorCall call, string argument, Tensor tensor)
    {
        DType type = call[0].DType;
        Require(tensor.DType == type.OfParameters(), argument, tensor,
            $"{type.OfParameters().Label()}, for an input of {type.Label()} {call[0].Shape}");
    }
}
