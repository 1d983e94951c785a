using CsUnet.Kernels;
using CsUnet.Tensors;

namespace CsUnet.Autograd;

/// <summary>
/// A tensor in a differentiable computation. A program creates the leaves (inputs and <see cref="Parameter"/>s). <see cref="Apply"/>
/// creates all other variables and records the operator, so that <see cref="Backward"/> can run in reverse.
/// </summary>
public partial class Variable
{
    private readonly Shape? _shape;
    private readonly DType _type;
    private Tensor? _value;

    /// <summary>A leaf. It has a gradient only if requested.</summary>
    /// <param name="value">Its tensor.</param>
    /// <param name="requiresGradient">Whether <see cref="Backward"/> should fill <see cref="Gradient"/>.</param>
    /// <param name="name">A name for messages.</param>
    public Variable(Tensor value, bool requiresGradient = false, string? name = null)
    {
        Value = value;
        RequiresGradient = requiresGradient;
        Name = name;
        value.Storage.AddReference();
    }

    /// <summary>A leaf without memory; <see cref="SetValue"/> sets its value later.</summary>
    /// <param name="shape">Its dimensions.</param>
    /// <param name="type">Its element type.</param>
    /// <param name="requiresGradient">Whether <see cref="Backward"/> should fill <see cref="Gradient"/>.</param>
    /// <param name="name">A name for messages.</param>
    public Variable(Shape shape, DType type, bool requiresGradient, string name)
    {
        _shape = shape;
        _type = type;
        RequiresGradient = requiresGradient;
        Name = name;
    }

    internal Variable(Tensor value, Node? producer)
    {
        Value = value;
        Producer = producer;
        RequiresGradient = producer is not null;
        // No backward pass will release this block, so it stays until its step ends.
        if (producer is null)
            value.Storage.AddReference();
    }

    /// <summary>The tensor.</summary>
    /// <exception cref="InvalidOperationException">The variable was created without memory, and no value was set yet.</exception>
    public Tensor Value
    {
        get => _value ?? throw new InvalidOperationException(
            $"{Name} {_type.Label()} {_shape} has no value yet; initialise the module that it belongs to, or load its weights");
        private set => _value = value;
    }

    /// <summary>Whether <see cref="Value"/> is set.</summary>
    public bool HasValue => _value is not null;

    /// <summary>A name for messages; parameters have their state-dict names.</summary>
    public string? Name { get; internal set; }

    /// <summary>Whether backward computes a gradient for this variable.</summary>
    public bool RequiresGradient { get; }

    /// <summary>
    /// After <see cref="Backward"/>, the gradient of a leaf that requires one: the sum over all Backward calls since the last
    /// <see cref="ClearGradient"/>.
    /// </summary>
    public Tensor? Gradient { get; internal set; }

    /// <summary>Dimensions of the value; known before the value is set.</summary>
    public Shape Shape => _value?.Shape ?? _shape!;

    /// <summary>Element type of the value; known before the value is set.</summary>
    public DType DType => _value?.DType ?? _type;

    internal Node? Producer { get; }

    internal bool IsKept { get; private set; }

    /// <summary>Keeps an intermediate value readable after <see cref="Backward"/>, until its step ends. Returns this variable.</summary>
    public Variable Keep()
    {
        if (Producer is not null && !IsKept)
            Value.Storage.AddReference();
        IsKept = true;
        return this;
    }

    /// <summary>
    /// Sets the elements of a leaf. The first call allocates memory on a device; that memory outlives steps. Later calls copy into it,
    /// wherever it is.
    /// </summary>
    /// <param name="values">The elements, on any device.</param>
    /// <param name="device">Where the first call allocates memory.</param>
    /// <exception cref="ArgumentException">Shape or element type differ from the leaf's.</exception>
    /// <exception cref="InvalidOperationException">The variable is the result of an operator.</exception>
    public void SetValue(Tensor values, Device device = default)
    {
        RequireLeaf(nameof(SetValue));
        if (values.Shape != Shape || values.DType != DType)
            throw new ArgumentException($"SetValue: values are {values}, expected {DType.Label()} {Shape}, as {Name ?? "the variable"} is",
                nameof(values));
        Allocate(device).CopyFrom(values);
    }

    /// <summary>Sets the elements of a leaf by a function that computes on the CPU, for the same values on every device.</summary>
    /// <param name="fill">Writes all elements of a tensor on the CPU that has the leaf's shape and element type.</param>
    /// <param name="device">Where the first call allocates memory.</param>
    /// <exception cref="InvalidOperationException">The variable is the result of an operator.</exception>
    public void Fill(Action<Tensor> fill, Device device = default)
    {
        RequireLeaf(nameof(Fill));
        Tensor value = Allocate(device);
        // On the CPU in place: a copy of every parameter would be a network more at the peak of memory.
        Tensor values = value.Device == Device.Cpu ? value : Tensor.Empty(Shape, DType);
        fill(values);
        if (values != value)
            value.CopyFrom(values);
    }

    private void RequireLeaf(string method)
    {
        if (Producer is not null)
            throw new InvalidOperationException($"{method}: {this} is the result of an operator; only leaves can be set");
    }

    /// <summary>Gives a leaf without memory its memory, uninitialised and outliving steps. Returns the value.</summary>
    /// <param name="device">Where the memory is; a leaf that has memory keeps it.</param>
    public Tensor Allocate(Device device = default)
    {
        if (_value is null)
        {
            using StepArena.PersistentScope scope = StepArena.Suspend();
            _value = Tensor.Empty(Shape, DType, device);
            _value.Storage.AddReference();
        }
        return _value;
    }

    /// <summary>
    /// Moves a leaf to another device. Its value is copied there, into memory that outlives steps; its gradient is discarded.
    /// </summary>
    /// <remarks>Without a value, nothing moves: <see cref="SetValue"/> chooses the device.</remarks>
    /// <exception cref="InvalidOperationException">The variable is the result of an operator.</exception>
    public virtual void MoveTo(Device device)
    {
        if (Producer is not null)
            throw new InvalidOperationException($"MoveTo: {this} is the result of an operator; only leaves can be moved to {device}");
        if (_value is null || _value.Device == device)
            return;
        using StepArena.PersistentScope scope = StepArena.Suspend();
        Value = Value.To(device);
        Value.Storage.AddReference();
        Gradient = null;
    }

    /// <summary>Discards the gradient; a parameter keeps the buffer for the next one.</summary>
    public virtual void ClearGradient() => Gradient = null;

    /// <summary>Applies an operator and records it, unless <see cref="NoGrad"/> is active or no input requires a gradient.</summary>
    /// <param name="op">The operator.</param>
    /// <param name="inputs">Its inputs in the documented order; null for omitted optional ones.</param>
    public static Variable Apply(Operator op, params Variable?[] inputs)
    {
        if (OperatorSubstitution.Result(op, inputs) is { } replaced)
            return replaced;
        var tensors = new Tensor?[inputs.Length];
        var needs = new bool[inputs.Length];
        bool record = false;
        for (int i = 0; i < inputs.Length; i++)
        {
            tensors[i] = inputs[i]?.Value;
            needs[i] = !NoGrad.IsActive && inputs[i] is { RequiresGradient: true };
            record |= needs[i];
        }
        var call = new OperatorCall(op, tensors, needs);
        OperatorTrace? trace = OperatorTrace.Current;
        long start = trace is null ? 0 : System.Diagnostics.Stopwatch.GetTimestamp();
        call.Forward();
        trace?.Add(call, backward: false, start);
        return new Variable(call.Output, record ? new Node(call, inputs) : null);
    }

    /// <summary>
    /// Runs reverse mode from this variable and adds the gradients to every leaf that requires one. Intermediate values and saved tensors
    /// return to the step arena as soon as they are no longer needed; call <see cref="Keep"/> on a value that you read afterwards.
    /// </summary>
    /// <param name="gradient">The gradient of this variable, with its shape; may be omitted for a scalar, where it is 1.</param>
    /// <exception cref="InvalidOperationException">No operator to differentiate was recorded, or the graph was differentiated
    /// before.</exception>
    /// <exception cref="ArgumentException">The gradient's shape or type differs, or it is missing for a variable that is not a
    /// scalar.</exception>
    public void Backward(Tensor? gradient = null)
    {
        if (Producer is null)
            throw new InvalidOperationException("Backward: this variable does not depend on any variable that requires a gradient");
        if (gradient is null && Value.Count != 1)
            throw new ArgumentException($"Backward: a gradient of shape {Shape} is needed, since the variable is not a scalar",
                nameof(gradient));
        gradient ??= Tensor.Full(Shape, 1, Value.DType, Value.Device);
        if (gradient.Shape != Shape || gradient.DType != Value.DType || gradient.Device != Value.Device)
            throw new ArgumentException(
                $"Backward: gradient is {gradient} on {gradient.Device}, expected {Value} on {Value.Device}", nameof(gradient));
        Tape.Run(this, gradient);
    }

    /// <inheritdoc />
    public override string ToString() => $"{Name} {DType.Label()} {Shape}".TrimStart();
}
