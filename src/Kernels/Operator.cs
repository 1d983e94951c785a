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

/// <summary>A tensor that an operator cannot take: names operator, argument, what it got, and what it expected.</summary>
public sealed class ShapeException(string op, string argument, object? got, string expected)
    : ArgumentException($"{op}: {argument} is {got ?? "missing"}, expected {expected}")
{
    /// <summary>The operator that refused.</summary>
    public string Operator { get; } = op;

    /// <summary>The refused argument.</summary>
    public string Argument { get; } = argument;
}

/// <summary>One application of an operator: inputs, output, and what the forward pass saved for the backward pass.</summary>
public sealed class OperatorCall
{
    private readonly Tensor?[] _inputs;
    private readonly bool[] _needsGradient;
    private readonly List<Tensor> _saved = [];

    /// <summary>A call on the given inputs; optional inputs may be null.</summary>
    /// <param name="inputs">The inputs in the operator's order.</param>
    /// <param name="needsGradient">Which of them need a gradient; null or all false in no-grad mode, where nothing is saved.</param>
    public OperatorCall(Tensor?[] inputs, bool[]? needsGradient = null)
    {
        _inputs = inputs;
        _needsGradient = needsGradient ?? new bool[inputs.Length];
        IsRecording = Array.IndexOf(_needsGradient, true) >= 0;
    }

    /// <summary>Whether a backward pass may follow, so that saving is worth it.</summary>
    public bool IsRecording { get; }

    /// <summary>The inputs; entries of optional inputs that were left out are null.</summary>
    public IReadOnlyList<Tensor?> Inputs => _inputs;

    /// <summary>A required input.</summary>
    public Tensor this[int index] => _inputs[index] ?? throw new ArgumentNullException($"input {index}");

    /// <summary>An optional input: null if it is absent.</summary>
    public Tensor? Optional(int index) => index < _inputs.Length ? _inputs[index] : null;

    /// <summary>Whether the input is there and its gradient is wanted.</summary>
    public bool Needs(int index) => index < _needsGradient.Length && _needsGradient[index];

    /// <summary>Which of the operator's variants computes this call, in both passes; null: the usual one.</summary>
    public KernelChoice? Choice { get; private set; }

    /// <summary>
    /// The arithmetic of float32 matrix products that the device was set to when Forward ran (<see cref="CudaDevice.AllowTf32"/>): tf32 or
    /// fp32. The backward pass uses it too, whatever the device is set to by then.
    /// </summary>
    public Precision Products { get; private set; }

    /// <summary>The output, once Forward has returned.</summary>
    public Tensor Output { get; set; } = null!;

    /// <summary>Keeps a tensor for the backward pass; does nothing when no backward pass can follow. Inputs need not be saved, outputs need not either.</summary>
    public void Save(Tensor tensor)
    {
        if (IsRecording)
            _saved.Add(tensor);
    }

    /// <summary>The tensors saved so far, in order.</summary>
    public IReadOnlyList<Tensor> Saved => _saved;

    /// <summary>Runs an operator outside of the tape, for tests, benchmarks and inference.</summary>
    public static Tensor Run(Operator op, params Tensor?[] inputs)
    {
        var call = new OperatorCall(inputs);
        call.Forward(op);
        return call.Output;
    }

    /// <summary>Runs an operator's forward rule on this call and sets <see cref="Output"/>.</summary>
    /// <exception cref="ShapeException">An input does not fit, or is on another device than the first.</exception>
    /// <exception cref="NotSupportedException">The operator has no kernels for the inputs' device.</exception>
    public void Forward(Operator op)
    {
        Device device = this[0].Device;
        for (int i = 1; i < _inputs.Length; i++)
            if (_inputs[i] is { } input && input.Device != device)
                throw new ShapeException(op.Name, $"input {i}", $"on {input.Device}", $"{device} = device of input 0");
        if (!op.RunsOn(device.Kind))
            throw new NotSupportedException($"{op.Name}: this version has no CUDA kernel for it; run it on the processor");
        if (device.Kind == DeviceKind.Cpu)
            foreach (Tensor? input in _inputs)
                if (input is { DType: DType.BFloat16 })
                    throw new NotSupportedException($"{op.Name}: bfloat16 tensors are computed with on CUDA devices only; use float32 on the processor");
        Choice = KernelChoices.For(op, this);
        Products = Precisions.InUse(device);
        try
        {
            using (StorageScope.Begin())
                Output = op.Forward(this);
        }
        catch (RecordingException failure) when (failure.Operation is null)
        {
            throw failure.In($"{op.Name} (forward)");
        }
        GC.KeepAlive(this);
    }

    /// <summary>Runs an operator's backward rule on this call, in the arithmetic of its forward pass.</summary>
    /// <param name="op">The operator that <see cref="Forward"/> ran.</param>
    /// <param name="dOutput">The gradient of the output.</param>
    /// <param name="gradients">Receives the inputs' gradients.</param>
    public void Backward(Operator op, Tensor dOutput, GradientSink gradients)
    {
        try
        {
            using PrecisionScope products = Products.Use(dOutput.Device);
            using (StorageScope.Begin())
                op.Backward(this, dOutput, gradients);
        }
        catch (RecordingException failure) when (failure.Operation is null)
        {
            throw failure.In($"{op.Name} (backward)");
        }
        GC.KeepAlive(dOutput);
    }
}

/// <summary>Where a backward rule puts the gradients of its operator's inputs.</summary>
public abstract class GradientSink
{
    /// <summary>
    /// The buffer for an input's gradient, shaped like the input. If <paramref name="accumulate"/> is true it holds a gradient already and
    /// the operator adds to it; else its elements are unset and the operator overwrites all of them.
    /// </summary>
    public abstract Tensor Target(int input, out bool accumulate);

    /// <summary>Hands over a gradient that the operator has just computed into a tensor of its own; the tensor is the sink's from now on.</summary>
    public abstract void Give(int input, Tensor gradient);

    /// <summary>Passes a gradient through unchanged (the output's gradient, or a view of it): the sink copies it if it has to.</summary>
    public abstract void Pass(int input, Tensor gradient);
}
