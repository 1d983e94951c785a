using System.Numerics;
using CsUnet.Tensors;

namespace CsUnet.Kernels;

/// <summary>
/// A differentiable operator: a record of its settings (epsilon, stride, ...), with a forward rule and a backward rule. It is stateless:
/// the <see cref="OperatorCall"/> holds what a call saves for its backward pass. One file per operator contains the shape rule, both passes
/// and the cost. The tape of CsUnet.Autograd knows no operator by name.
/// </summary>
public abstract record Operator
{
    /// <summary>The operator's name in messages, cases and profiles: the record's name.</summary>
    public string Name => GetType().Name;

    /// <summary>
    /// The forward rule: computes the output from <see cref="OperatorCall.Inputs"/>, in the operator's documented order. The default checks
    /// the inputs and allocates the output (<see cref="Output"/>). Then it computes the output on the inputs' device, by
    /// <see cref="CudaForward"/>, or by <see cref="CpuForward"/>, which calls <see cref="Forward{T}"/>. An operator overrides those. If it
    /// depends neither on the device nor on the element type, it overrides this rule as a whole.
    /// </summary>
    /// <exception cref="ShapeException">The operator does not support the shape or element type of an input.</exception>
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
    /// The backward rule: from the gradient of a scalar with respect to the output, computes its gradients with respect to every input that
    /// needs one. The default calls <see cref="CudaBackward"/>, or <see cref="CpuBackward"/>, which calls <see cref="Backward{T}"/>.
    /// </summary>
    /// <param name="call">The forward call: its inputs, output and saved tensors.</param>
    /// <param name="dOutput">The gradient of the output, with the shape of the output.</param>
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
    /// The shape rule: checks the inputs and allocates the output, uninitialised. The default allocates it like the first input. Null means
    /// that the forward rule itself sets <see cref="OperatorCall.Output"/>, because it can reuse memory.
    /// </summary>
    /// <exception cref="ShapeException">The operator does not support the shape or element type of an input.</exception>
    protected virtual Tensor? Output(OperatorCall call) => Tensor.EmptyLike(call[0]);

    /// <summary>
    /// Computes the output on the CPU. The default calls <see cref="Forward{T}"/> for the element type of the first input.
    /// </summary>
    protected virtual void CpuForward(OperatorCall call)
    {
        if (call[0].DType == DType.Float32)
            Forward<float>(call);
        else
            Forward<double>(call);
    }

    /// <summary>
    /// Computes the gradients on the CPU. The default calls <see cref="Backward{T}"/> for the element type of the output.
    /// </summary>
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

    /// <summary>Computes the gradients on the CPU, in float or double.</summary>
    protected virtual void Backward<T>(OperatorCall call, Tensor dOutput, GradientSink gradients)
        where T : unmanaged, IFloatingPointIeee754<T> =>
        throw new NotSupportedException($"{Name} has no backward rule for the CPU; none of its inputs can require a gradient there");

    /// <summary>Computes the output with CUDA kernels. An operator that does not override this has none.</summary>
    protected virtual void CudaForward(OperatorCall call) =>
        throw new NotSupportedException($"{Name} has no CUDA kernel; move its inputs to the CPU");

    /// <summary>Computes the gradients with CUDA kernels.</summary>
    protected virtual void CudaBackward(OperatorCall call, Tensor dOutput, GradientSink gradients) =>
        throw new NotSupportedException($"{Name} has no CUDA kernel for its backward pass; move its inputs to the CPU");

    /// <summary>
    /// The multiply-adds of one forward call, from shapes alone: those of matrix products, convolutions and attention; 0 for everything
    /// else.
    /// </summary>
    public virtual long MultiplyAdds(OperatorCall call) => 0;

    /// <summary>
    /// The variants of the operator on a kind of device, the default first; empty if there is only one way to compute it.
    /// </summary>
    public virtual IReadOnlyList<KernelVariant> Variants(DeviceKind device) => [];

    /// <summary>
    /// The key of the fastest variant: settings and shapes, as text. Operators on rows omit how the rows are arranged, and everything that
    /// draws random numbers. So a choice measured once applies to every layer of that size.
    /// </summary>
    /// <param name="inputs">The inputs of a call.</param>
    public virtual string TuningKey(IReadOnlyList<Tensor?> inputs) =>
        $"{this} {string.Join(' ', inputs.Select(input => input is null ? "-" : input.Shape.ToString()))}";

    /// <summary>Throws a <see cref="ShapeException"/> for this operator unless <paramref name="condition"/> holds.</summary>
    /// <param name="condition">What must hold.</param>
    /// <param name="argument">The argument's name.</param>
    /// <param name="got">Its value: a shape, tensor or number.</param>
    /// <param name="expected">The expected value, and where it comes from.</param>
    protected void Require(bool condition, string argument, object? got, string expected)
    {
        if (!condition)
            throw new ShapeException(Name, argument, got, expected);
    }

    /// <summary>Checks that an input has the element type of the first input.</summary>
    protected void RequireSameType(OperatorCall call, string argument, Tensor tensor)
    {
        DType type = call[0].DType;
        Require(tensor.DType == type, argument, tensor, $"{type.Label()} = element type of input {call[0].Shape}");
    }

    /// <summary>
    /// Checks that a parameter (weight, bias, running statistic) has the element type that belongs to the first input's: float32 for
    /// bfloat16, else the same; see <see cref="DTypes.OfParameters"/>.
    /// </summary>
    protected void RequireParameterType(OperatorCall call, string argument, Tensor tensor)
    {
        DType type = call[0].DType;
        Require(tensor.DType == type.OfParameters(), argument, tensor,
            $"{type.OfParameters().Label()}, for an input of {type.Label()} {call[0].Shape}");
    }
}
