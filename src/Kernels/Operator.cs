using System.Numerics;
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

    /// <summary>
    /// The forward rule: computes the output. Inputs are <see cref="OperatorCall.Inputs"/>, in the order that the operator documents. This
    /// one checks them and makes the output (<see cref="Output"/>), then computes it on the inputs' device: <see cref="CudaForward"/>, or
    /// <see cref="CpuForward"/> and with it <see cref="Forward{T}"/>. An operator overrides those, or, if it asks neither for the device
    /// nor for the element type, the whole rule.
    /// </summary>
    /// <exception cref="ShapeException">An input has a shape or element type that the operator does not take.</exception>
    /// <exception cref="NotSupportedException">The operator has no rule for the inputs' device.</exception>
    public virtual Tensor Forward(OperatorCall call)
    {
        if (Output(call) is { } output)
            call.Output = output;
        if (call[0].Device.Kind == DeviceKind.Cuda)
            CudaForward(call);
        else
            CpuForward(call);
        return call.Output;
    }

    /// <summary>
    /// The backward rule: gives the gradients of a scalar with respect to every input that needs one, given its gradient with respect to
    /// the output. This one calls <see cref="CudaBackward"/>, or <see cref="CpuBackward"/> and with it <see cref="Backward{T}"/>.
    /// </summary>
    /// <param name="call">The forward call: its inputs, output and saved tensors.</param>
    /// <param name="dOutput">The gradient of the output, shaped like the output.</param>
    /// <param name="gradients">Receives the inputs' gradients.</param>
    /// <exception cref="NotSupportedException">The operator has no backward rule for the device.</exception>
    public virtual void Backward(OperatorCall call, Tensor dOutput, GradientSink gradients)
    {
        if (dOutput.Device.Kind == DeviceKind.Cuda)
            CudaBackward(call, dOutput, gradients);
        else
            CpuBackward(call, dOutput, gradients);
    }

    /// <summary>
    /// The shape rule: checks the inputs and makes the output, unset. This one makes it like the first input. Null if the forward rule
    /// itself sets <see cref="OperatorCall.Output"/>, because it can use memory again.
    /// </summary>
    /// <exception cref="ShapeException">An input has a shape or element type that the operator does not take.</exception>
    protected virtual Tensor? Output(OperatorCall call) => Tensor.EmptyLike(call[0]);

    /// <summary>Computes the output on the CPU. This one calls <see cref="Forward{T}"/> for the element type of the first input.</summary>
    protected virtual void CpuForward(OperatorCall call)
    {
        if (call[0].DType == DType.Float32)
            Forward<float>(call);
        else
            Forward<double>(call);
    }

    /// <summary>Gives the gradients on the CPU. This one calls <see cref="Backward{T}"/> for the element type of the output.</summary>
    protected virtual void CpuBackward(OperatorCall call, Tensor dOutput, GradientSink gradients)
    {
        if (dOutput.DType == DType.Float32)
            Backward<float>(call, dOutput, gradients);
        else
            Backward<double>(call, dOutput, gradients);
    }

    /// <summary>Computes the output on the CPU, in float or double.</summary>
    protected virtual void Forward<T>(OperatorCall call) where T : unmanaged, IFloatingPointIeee754<T> =>
        throw new NotSupportedException($"{Name} has no rule for the CPU; move its inputs to a CUDA device");

    /// <summary>Gives the gradients on the CPU, in float or double.</summary>
    protected virtual void Backward<T>(OperatorCall call, Tensor dOutput, GradientSink gradients)
        where T : unmanaged, IFloatingPointIeee754<T> =>
        throw new NotSupportedException($"{Name} has no backward rule for the CPU; none of its inputs can require a gradient there");

    /// <summary>Computes the output by CUDA kernels. An operator that does not override this one has none.</summary>
    protected virtual void CudaForward(OperatorCall call) =>
        throw new NotSupportedException($"{Name} has no CUDA kernel; move its inputs to the CPU");

    /// <summary>Gives the gradients by CUDA kernels.</summary>
    protected virtual void CudaBackward(OperatorCall call, Tensor dOutput, GradientSink gradients) =>
        throw new NotSupportedException($"{Name} has no CUDA kernel for its backward pass; move its inputs to the CPU");

    /// <summary>
    /// Work of one forward call: multiply-adds of the matrix products, convolutions and attention (0 for all else), from shapes alone.
    /// </summary>
    public virtual long MultiplyAdds(OperatorCall call) => 0;

    /// <summary>The ways to compute the operator on a kind of device, the usual one first; empty if there is one way only.</summary>
    public virtual IReadOnlyList<KernelVariant> Variants(DeviceKind device) => [];

    /// <summary>
    /// What decides which variant is fastest, as text: settings and shapes. Operators that work on rows leave out how the rows are
    /// arranged, and what draws random numbers, so that a choice measured once holds for every layer of that size.
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
