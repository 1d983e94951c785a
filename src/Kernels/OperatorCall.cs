using CsUnet.Tensors;

namespace CsUnet.Kernels;

/// <summary>One application of an operator: inputs, output, and what the forward pass saved for the backward pass.</summary>
public sealed class OperatorCall
{
    private readonly Tensor?[] _inputs;
    private readonly bool[] _needsGradient;
    private readonly List<Tensor> _saved = [];

    /// <summary>
    /// A call of an operator on the given inputs; optional inputs may be null. Its precision is <see cref="Precisions.Current"/>.
    /// </summary>
    /// <param name="op">The operator.</param>
    /// <param name="inputs">The inputs in the operator's order.</param>
    /// <param name="needsGradient">Which inputs need a gradient; null or all false in no-grad mode, where nothing is saved.</param>
    public OperatorCall(Operator op, Tensor?[] inputs, bool[]? needsGradient = null)
    {
        Operator = op;
        _inputs = inputs;
        Precision = Precisions.Of(this[0].DType, this[0].Device);
        _needsGradient = needsGradient ?? new bool[inputs.Length];
        IsRecording = Array.IndexOf(_needsGradient, true) >= 0;
    }

    /// <summary>The operator.</summary>
    public Operator Operator { get; }

    /// <summary>
    /// The precision of the matrix products of both passes: the thread's precision when the call was made. It is fp32, or on a CUDA device
    /// tf32 (float32 tensors) or bf16 (bfloat16 tensors).
    /// </summary>
    public Precision Precision { get; }

    /// <summary>Whether a backward pass may follow, so that tensors must be saved for it.</summary>
    public bool IsRecording { get; }

    /// <summary>The inputs; null for omitted optional ones.</summary>
    public IReadOnlyList<Tensor?> Inputs => _inputs;

    /// <summary>A required input.</summary>
    public Tensor this[int index] => _inputs[index] ?? throw new ArgumentNullException($"input {index}");

    /// <summary>An optional input; null if omitted.</summary>
    public Tensor? Optional(int index) => index < _inputs.Length ? _inputs[index] : null;

    /// <summary>Whether the input exists and needs a gradient.</summary>
    public bool Needs(int index) => index < _needsGradient.Length && _needsGradient[index];

    /// <summary>The variant that computes both passes of this call; null: the default one.</summary>
    public KernelChoice? Choice { get; private set; }

    /// <summary>The value of a launch parameter in <see cref="Choice"/>, or its default.</summary>
    public int Parameter(LaunchParameter parameter) => Choice?.Value(parameter) ?? parameter.Usual;

    /// <summary>The output, set when Forward has returned.</summary>
    public Tensor Output { get; set; } = null!;

    /// <summary>
    /// Keeps a tensor for the backward pass; does nothing if no backward pass can follow. Inputs and output need not be saved.
    /// </summary>
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
        var call = new OperatorCall(op, inputs);
        call.Forward();
        return call.Output;
    }

    /// <summary>Runs the operator's forward rule and sets <see cref="Output"/>.</summary>
    /// <exception cref="ShapeException">The operator does not support an input, or an input is on another device than the
    /// first.</exception>
    /// <exception cref="NotSupportedException">The operator has no kernels for the inputs' device.</exception>
    public void Forward()
    {
        Device device = this[0].Device;
        for (int i = 1; i < _inputs.Length; i++)
            if (_inputs[i] is { } input && input.Device != device)
                throw new ShapeException(Operator.Name, $"input {i}", $"on {input.Device}", $"{device} = device of input 0");
        if (device.Kind == DeviceKind.Cpu)
            foreach (Tensor? input in _inputs)
                if (input is { DType: DType.BFloat16 })
                    throw new NotSupportedException($"{Operator.Name}: bfloat16 is supported on CUDA only; use float32 on the CPU");
        Choice = KernelChoices.For(this);
        try
        {
            using (StorageScope.Begin())
                Output = Operator.Forward(this);
        }
        catch (RecordingException failure) when (failure.Operation is null)
        {
            throw failure.In($"{Operator.Name} (forward)");
        }
        // Collected tensors free their memory, and the addresses that rules work with do not keep a tensor alive.
        GC.KeepAlive(this);
    }

    /// <summary>Runs the operator's backward rule, in the precision of the forward pass.</summary>
    /// <param name="dOutput">The gradient of the output.</param>
    /// <param name="gradients">Receives the inputs' gradients.</param>
    public void Backward(Tensor dOutput, GradientSink gradients)
    {
        try
        {
            using (StorageScope.Begin())
                Operator.Backward(this, dOutput, gradients);
        }
        catch (RecordingException failure) when (failure.Operation is null)
        {
            throw failure.In($"{Operator.Name} (backward)");
        }
        GC.KeepAlive(this);
        GC.KeepAlive(dOutput);
        GC.KeepAlive(gradients);
    }
}
