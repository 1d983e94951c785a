using CsUnet.Cuda.Blas;
using CsUnet.Tensors;

namespace CsUnet.Kernels;

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
            throw new NotSupportedException($"{op.Name} has no CUDA kernel; move its inputs to the CPU");
        if (device.Kind == DeviceKind.Cpu)
            foreach (Tensor? input in _inputs)
                if (input is { DType: DType.BFloat16 })
                    throw new NotSupportedException($"{op.Name}: bfloat16 is supported on CUDA only; use float32 on the CPU");
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
