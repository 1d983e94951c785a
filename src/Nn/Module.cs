using CsUnet.Autograd;
using CsUnet.Tensors;

namespace CsUnet.Nn;

/// <summary>
/// A layer or network: parameters, buffers and child modules with state-dict names, a train/eval mode, and the key of its random numbers.
/// Names match the public weight files, for example <c>encoder.layers.0.blocks.1.attn.qkv.weight</c>. A new module knows the shapes of its
/// parameters but has no memory for them: <see cref="ModuleExtensions.Initialize"/> or loading weights allocates it.
/// </summary>
/// <param name="type">Element type of parameters and activations.</param>
public abstract class Module(DType type = DType.Float32)
{
    private readonly List<(string Name, Module Child)> _children = [];
    private readonly List<(Parameter Parameter, Initializer Initializer, ParameterLayout Layout)> _parameters = [];
    private readonly List<(string Name, Variable Buffer, double Initial)> _buffers = [];

    /// <summary>Element type of parameters and activations.</summary>
    public DType DType { get; } = type;

    /// <summary>The device of parameters and buffers, on which the module computes.</summary>
    public Device Device { get; private set; } = Device.Cpu;

    /// <summary>
    /// True in training mode, where batch norm uses the statistics of the batch and DropPath drops; false after
    /// <see cref="ModuleExtensions.Eval"/>.
    /// </summary>
    public bool IsTraining { get; private set; } = true;

    /// <summary>Seed and step of the random numbers of this forward pass, and the layer number of this module.</summary>
    protected RandomKey Key { get; private set; }

    /// <summary>Implements <see cref="ModuleExtensions.Train"/>.</summary>
    internal void SetTraining(bool isTraining)
    {
        IsTraining = isTraining;
        foreach ((_, Module child) in _children)
            child.SetTraining(isTraining);
    }

    /// <summary>Implements <see cref="ModuleExtensions.To"/>.</summary>
    internal void MoveTo(Device device)
    {
        foreach ((Parameter parameter, _, _) in _parameters)
            parameter.MoveTo(device);
        foreach ((_, Variable buffer, _) in _buffers)
            buffer.MoveTo(device);
        foreach ((_, Module child) in _children)
            child.MoveTo(device);
        Device = device;
    }

    /// <summary>
    /// Sets the random numbers of the next forward pass. Each module gets its own layer number from its place in the tree.
    /// </summary>
    public void SetRandomKey(ulong seed, uint step)
    {
        uint layer = 0;
        SetRandomKey(seed, step, ref layer);
    }

    private void SetRandomKey(ulong seed, uint step, ref uint layer)
    {
        Key = new RandomKey(seed, step, layer++);
        foreach ((_, Module child) in _children)
            child.SetRandomKey(seed, step, ref layer);
    }

    /// <summary>Every parameter of this module and its children, in the order of definition.</summary>
    public IReadOnlyList<Parameter> Parameters() => [.. NamedParameters().Select(named => named.Parameter)];

    /// <summary>Every parameter with its path from this module, in the order of definition.</summary>
    public IReadOnlyList<(string Name, Parameter Parameter)> NamedParameters()
    {
        var list = new List<(string, Parameter)>();
        Visit("", (path, module) =>
        {
            foreach ((Parameter parameter, _, _) in module._parameters)
                list.Add((path + parameter.Name, parameter));
        });
        return list;
    }

    /// <summary>Every parameter, then every buffer, with its path from this module and its layout in weight files.</summary>
    public IReadOnlyList<StateEntry> State()
    {
        List<StateEntry> parameters = [], buffers = [];
        Visit("", (path, module) =>
        {
            foreach ((Parameter parameter, _, ParameterLayout layout) in module._parameters)
                parameters.Add(new StateEntry(path + parameter.Name, parameter, layout));
            foreach ((string name, Variable buffer, _) in module._buffers)
                buffers.Add(new StateEntry(path + name, buffer, ParameterLayout.Same));
        });
        return [.. parameters, .. buffers];
    }

    /// <summary>Every buffer (batch-norm statistics) with its path from this module.</summary>
    /// <exception cref="InvalidOperationException">A buffer has no value yet.</exception>
    public IReadOnlyList<(string Name, Tensor Value)> NamedBuffers()
    {
        var list = new List<(string, Tensor)>();
        Visit("", (path, module) =>
        {
            foreach ((string name, Variable buffer, _) in module._buffers)
                list.Add((path + name, buffer.Value));
        });
        return list;
    }

    /// <summary>
    /// Creates a function that finds the layer of an operator call: the deepest module that contains all of its parameters and buffers. For
    /// <see cref="OperatorTrace"/>. The function does not recognise parameters that are moved to another device afterwards.
    /// </summary>
    /// <returns>Returns the module's path for the inputs of a call; null if no input is a parameter or buffer.</returns>
    public Func<IEnumerable<Tensor>, string?> LayerNames()
    {
        var owners = new Dictionary<Tensor, string[]>(ReferenceEqualityComparer.Instance);
        Visit("", (path, module) =>
        {
            string[] parts = path.Split('.', StringSplitOptions.RemoveEmptyEntries);
            foreach ((Parameter parameter, _, _) in module._parameters)
                owners.Add(parameter.Value, parts);
            foreach ((_, Variable buffer, _) in module._buffers)
                owners.Add(buffer.Value, parts);
        });
        return inputs =>
        {
            string[]? common = null;
            foreach (Tensor input in inputs)
                if (owners.TryGetValue(input, out string[]? owner))
                    common = common is null
                        ? owner
                        : [.. common.Zip(owner).TakeWhile(pair => pair.First == pair.Second).Select(pair => pair.First)];
            return common is null ? null : string.Join('.', common);
        };
    }

    /// <summary>Number of trained parameters, counted as scalars; known before memory is allocated.</summary>
    public long ParameterCount => Parameters().Sum(parameter => parameter.Shape.Count);

    /// <summary>
    /// Implements <see cref="ModuleExtensions.Initialize"/>. Runs on the CPU, so that the values are the same on every device.
    /// </summary>
    internal void SetInitialValues(ulong seed)
    {
        Set((name, values, initializer) =>
            initializer.Fill(values, new RandomKey(seed, uint.MaxValue, Initializer.NameHash(name))));
    }

    /// <summary>
    /// Allocates the memory of parameters and buffers without drawing random numbers: parameters are 0, buffers have their initial values.
    /// For callers that set the values themselves.
    /// </summary>
    public void Allocate() => Set((_, values, _) => values.Clear());

    private void Set(Action<string, Tensor, Initializer> fill)
    {
        Visit("", (path, module) =>
        {
            foreach ((Parameter parameter, Initializer initializer, _) in module._parameters)
                parameter.Fill(values => fill(path + parameter.Name, values, initializer), module.Device);
            foreach ((_, Variable buffer, double initial) in module._buffers)
                buffer.SetValue(Tensor.Full(buffer.Shape, initial, buffer.DType), module.Device);
        });
    }

    /// <summary>Clears all gradients.</summary>
    public void ClearGradients()
    {
        foreach (Parameter parameter in Parameters())
            parameter.ClearGradient();
    }

    /// <summary>Adds a child under a name and returns it.</summary>
    protected TModule Register<TModule>(string name, TModule child) where TModule : Module
    {
        _children.Add((name, child));
        return child;
    }

    /// <summary>
    /// Adds a parameter to this module. It has no memory until <see cref="ModuleExtensions.Initialize"/> or loading weights allocates it.
    /// </summary>
    /// <param name="name">The last part of its state-dict name.</param>
    /// <param name="shape">Its dimensions in memory.</param>
    /// <param name="initializer">How it is initialised.</param>
    /// <param name="layout">The order of its elements in weight files.</param>
    /// <exception cref="ArgumentException">The layout is a convolution's, but the shape does not have four dimensions.</exception>
    protected Parameter RegisterParameter(
        string name, Shape shape, Initializer initializer, ParameterLayout layout = ParameterLayout.Same)
    {
        if (layout == ParameterLayout.Convolution && shape.Rank != 4)
            throw new ArgumentException(
                $"{GetType().Name}: parameter {name} is {shape}, expected (O,KH,KW,I), the weight of a convolution", nameof(shape));
        var parameter = new Parameter(shape, DType, name);
        _parameters.Add((parameter, initializer, layout));
        return parameter;
    }

    /// <summary>
    /// Adds a buffer: state that is saved but not trained, a leaf without gradient. It has no memory until the parameters have.
    /// </summary>
    /// <param name="name">The last part of its state-dict name.</param>
    /// <param name="shape">Its dimensions.</param>
    /// <param name="value">The value to which <see cref="ModuleExtensions.Initialize"/> sets all its elements.</param>
    protected Variable RegisterBuffer(string name, Shape shape, double value)
    {
        var buffer = new Variable(shape, DType, requiresGradient: false, name);
        _buffers.Add((name, buffer, value));
        return buffer;
    }

    private void Visit(string path, Action<string, Module> visit)
    {
        visit(path, this);
        foreach ((string name, Module child) in _children)
            child.Visit($"{path}{name}.", visit);
    }
}
