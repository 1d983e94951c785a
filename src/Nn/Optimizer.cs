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
    private StepArena? _arena;
    private TensorTable? _table;

    /// <summary>Creates an optimiser for all parameters of a module. The module must not move to another device afterwards.</summary>
    /// <param name="module">The module.</param>
    protected Optimizer(Module module)
    {
        _module = module;
        Parameters = module.NamedParameters();
        _device = module.Device;
    }

    /// <summary>The parameters, with their state-dict names.</summary>
    public IReadOnlyList<(string Name, Parameter Parameter)> Parameters { get; }

    /// <summary>Number of updates so far.</summary>
    public int StepCount { get; protected set; }

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

    /// <summary>Updates every parameter that has a gradient; on a CUDA device all in one launch.</summary>
    public void Step()
    {
        if (TensorTable.IsUsedOn(_device))
        {
            float[] settings = Advance();
            Update(Table(), Tensor.From(settings, [settings.Length]).To(_device), null);
            return;
        }
        StepCount++;
        for (int i = 0; i < Parameters.Count; i++)
            if (Parameters[i].Parameter.Gradient is { } gradient)
                Update(i, Parameters[i].Parameter.Value, gradient);
    }

    /// <summary>
    /// Counts a step and returns its settings; <see cref="Update(TensorTable, Tensor, Tensor?)"/> reads them from device memory.
    /// </summary>
    internal float[] Advance()
    {
        StepCount++;
        return Settings();
    }

    /// <summary>
    /// The parameters that have gradients, with their state, for launches over all of them. The table is created again only when the
    /// gradient tensors change.
    /// </summary>
    /// <exception cref="InvalidOperationException">No parameter has a gradient.</exception>
    internal TensorTable Table()
    {
        int[] active = [.. Enumerable.Range(0, Parameters.Count).Where(i => Parameters[i].Parameter.Gradient is not null)];
        if (active.Length == 0)
            throw new InvalidOperationException("Optimizer: no parameter has a gradient; call Backward before Step");
        IReadOnlyList<Tensor> gradients = Gradients();
        if (_table is null || !_table.Holds(gradients))
        {
            List<Tensor[]> slots = [.. Slots().Select(slot => slot.Tensors)];
            IReadOnlyList<Tensor>? State(int slot) => slot < slots.Count ? [.. active.Select(i => slots[slot][i])] : null;
            _table = new TensorTable(gradients, [.. active.Select(i => Parameters[i].Parameter.Value)], State(0), State(1));
        }
        return _table;
    }

    /// <summary>Enqueues the update of all parameters of <see cref="Table"/> on their device.</summary>
    /// <param name="table">The tensors.</param>
    /// <param name="settings">The result of <see cref="Advance"/>, in device memory.</param>
    /// <param name="factor">A factor in device memory for every gradient; null: 1.</param>
    internal abstract void Update(TensorTable table, Tensor settings, Tensor? factor);

    /// <summary>The state as named tensors, for a checkpoint. The tensors are not copied; they stay on the device.</summary>
    public IReadOnlyList<KeyValuePair<string, Tensor>> State() =>
        [.. Slots().SelectMany(slot => Parameters.Select((named, i) => KeyValuePair.Create($"{slot.Name}.{named.Name}", slot.Tensors[i])))];

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

    /// <summary>Updates one parameter; <see cref="StepCount"/> already includes this step.</summary>
    protected abstract void Update(int index, Tensor value, Tensor gradient);

    /// <summary>The settings of the update number <see cref="StepCount"/>, in the layout of its kernel.</summary>
    protected abstract float[] Settings();

    /// <summary>
    /// The state tensors, in the order of the columns of <see cref="TensorTable"/>: a name, and one tensor per parameter.
    /// </summary>
    protected abstract IEnumerable<(string Name, Tensor[] Tensors)> Slots();

    /// <summary>Zero tensors with the shapes of the parameters, allocated outside of any step.</summary>
    protected Tensor[] ZerosLikeParameters()
    {
        using StepArena.PersistentScope scope = StepArena.Suspend();
        return [.. Parameters.Select(named => Tensor.ZerosLike(named.Parameter.Value))];
    }
}
