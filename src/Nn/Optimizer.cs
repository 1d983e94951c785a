using CsUnet.Autograd;
using CsUnet.Kernels;
using CsUnet.Kernels.Cuda;
using CsUnet.Tensors;

namespace CsUnet.Nn;

/// <summary>
/// Updates the parameters of a module with their gradients. Its state persists between steps, is on the module's device, and is saved with
/// the weights.
/// </summary>
public abstract class Optimizer
{
    private readonly Module _module;
    private readonly Device _device;
    private readonly (string Name, Tensor[] Tensors)[] _state;
    private readonly ParameterUpdates _updates = new();
    private StepArena? _arena;

    /// <summary>
    /// Creates an optimiser for all parameters of a module, with zero state. The module must not move to another device afterwards.
    /// </summary>
    /// <param name="module">The module.</param>
    /// <param name="state">The names of the tensors that <see cref="Rule"/> keeps of each parameter, in the rule's order.</param>
    protected Optimizer(Module module, params IReadOnlyList<string> state)
    {
        _module = module;
        Parameters = module.NamedParameters();
        _device = module.Device;
        // The state outlives steps.
        using StepArena.PersistentScope scope = StepArena.Suspend();
        _state = [.. state.Select(name => (name, Parameters.Select(named => Tensor.ZerosLike(named.Parameter.Value)).ToArray()))];
    }

    /// <summary>The parameters, with their state-dict names.</summary>
    public IReadOnlyList<(string Name, Parameter Parameter)> Parameters { get; }

    /// <summary>Number of updates so far.</summary>
    public int StepCount { get; private set; }

    /// <summary>The learning rate of the next <see cref="Step"/>.</summary>
    public double LearningRate { get; set; }

    /// <summary>The seed of the module's random numbers in <see cref="Minimise"/>, for example those of dropout.</summary>
    public ulong Seed { get; init; }

    /// <summary>
    /// One training step. Begins a step of the arena, sets the module's random numbers from <see cref="Seed"/> and <see cref="StepCount"/>,
    /// clears the gradients, runs the function forward and backward, and updates the parameters. Tensors that the function creates belong
    /// to the step. A tensor that is read later must be created outside of it, or cloned with <see cref="Tensor.ClonePersistent"/>.
    /// </summary>
    /// <param name="loss">Computes the loss, a scalar, from the module's output; called once.</param>
    /// <returns>The loss before the update.</returns>
    /// <exception cref="InvalidOperationException">The loss does not depend on any parameter of the module.</exception>
    /// <exception cref="ShapeException">A label is not a class; the parameters are unchanged.</exception>
    public double Minimise(Func<Variable> loss)
    {
        using StepArena.StepScope step = (_arena ??= new StepArena()).BeginStep();
        _module.SetRandomKey(Seed, (uint)StepCount);
        ClearGradients();
        Variable value = loss();
        value.Backward();
        double result = value.Item();
        InvalidLabels.ThrowIfAny(_device);
        Step();
        return result;
    }

    /// <summary>Clears the gradients of all parameters: <c>zero_grad</c>.</summary>
    public void ClearGradients()
    {
        foreach ((_, Parameter parameter) in Parameters)
            parameter.ClearGradient();
    }

    /// <summary>The gradients of the last backward pass, in the order of the parameters.</summary>
    public IReadOnlyList<Tensor> Gradients() =>
        [.. Parameters.Select(named => named.Parameter.Gradient).OfType<Tensor>()];

    /// <summary>Updates every parameter that has a gradient.</summary>
    /// <exception cref="InvalidOperationException">No parameter has a gradient; nothing changes.</exception>
    public void Step()
    {
        IReadOnlyList<UpdatedParameter> parameters = Updated();
        StepCount++;
        _updates.Run(Rule, parameters, StepCount);
    }

    /// <summary>
    /// For steps that are recorded: counts a step and returns the settings of its update, which <see cref="Enqueue"/> reads from device
    /// memory.
    /// </summary>
    public float[] Advance()
    {
        StepCount++;
        return Rule.Settings(StepCount);
    }

    /// <summary>
    /// For steps that are recorded: enqueues the update of every parameter that has a gradient, after <see cref="Advance"/> counted the
    /// step; see <see cref="ParameterUpdates.Enqueue"/>.
    /// </summary>
    /// <param name="settings">The result of <see cref="Advance"/>, in device memory.</param>
    /// <param name="limit">The largest norm of all gradients together; 0: no limit.</param>
    /// <param name="norm">(2) float32: receives the norm before clipping, and the factor of the gradients.</param>
    /// <param name="notFinite">Four bytes: receives the number of elements that are not finite, an int.</param>
    /// <returns>What the launches read. A recording needs it as long as it runs.</returns>
    /// <exception cref="InvalidOperationException">No parameter has a gradient.</exception>
    public TensorTable Enqueue(Tensor settings, double limit, Tensor norm, Tensor notFinite) =>
        _updates.Enqueue(Rule, Updated(), settings, limit, norm, notFinite);

    /// <summary>The state as named tensors, for a checkpoint. The tensors are not copied; they stay on the device.</summary>
    public IReadOnlyList<KeyValuePair<string, Tensor>> State() =>
    [
        .. _state.SelectMany(state => Parameters.Select((named, i) => KeyValuePair.Create($"{state.Name}.{named.Name}", state.Tensors[i]))),
    ];

    /// <summary>Loads the state, on any device, from a file that contains the result of <see cref="State"/>.</summary>
    /// <param name="file">The file.</param>
    /// <param name="stepCount">The <see cref="StepCount"/> at the time of saving.</param>
    /// <exception cref="WeightFileException">A tensor is missing, or has another shape or type.</exception>
    public void LoadState(SafetensorsFile file, int stepCount)
    {
        foreach ((string name, Tensor target) in State())
        {
            Tensor loaded = file.Load(name);
            if (loaded.Shape != target.Shape || loaded.DType != target.DType)
                throw new WeightFileException(file.Path, $"{name} is {loaded}, expected {target}",
                    "it belongs to another model or optimiser");
            target.CopyFrom(loaded);
            GC.KeepAlive(loaded);
        }
        StepCount = stepCount;
    }

    /// <summary>The update rule, with the settings of the next step.</summary>
    protected abstract UpdateRule Rule { get; }

    private IReadOnlyList<UpdatedParameter> Updated()
    {
        List<UpdatedParameter> updated = [];
        for (int i = 0; i < Parameters.Count; i++)
            if (Parameters[i].Parameter.Gradient is { } gradient)
                updated.Add(new(Parameters[i].Parameter.Value, gradient, [.. _state.Select(state => state.Tensors[i])]));
        return updated.Count > 0
            ? updated
            : throw new InvalidOperationException("Optimizer: no parameter has a gradient; call Backward before Step");
    }
}
