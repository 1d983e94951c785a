using System.Numerics;
using CsUnet.Kernels.Cuda;
using CsUnet.Tensors;

namespace CsUnet.Kernels;

/// <summary>
/// The rule by which an optimiser changes a parameter: a record of its settings for one step. <see cref="ParameterUpdates"/> runs it on
/// the parameters' device.
/// </summary>
public abstract record UpdateRule
{
    /// <summary>The name in kernels/optimizer.cu.</summary>
    private protected abstract string Kernel { get; }

    /// <summary>The names of <see cref="UpdatedParameter.State"/> in messages.</summary>
    private protected abstract IReadOnlyList<string> StateNames { get; }

    /// <summary>Whether the rule needs its state.</summary>
    private protected virtual bool NeedsState => true;

    /// <summary>The numbers of a step that the kernel reads from device memory, because they change from step to step.</summary>
    /// <param name="step">The number of the update, from 1.</param>
    public abstract float[] Settings(int step);

    /// <summary>Updates one parameter; <see cref="ParameterUpdates"/> updates many.</summary>
    /// <param name="parameter">The parameter, its gradient and state.</param>
    /// <param name="step">The number of this update, from 1.</param>
    /// <exception cref="ShapeException">A tensor does not match the parameter.</exception>
    public void Update(UpdatedParameter parameter, int step) => new ParameterUpdates().Run(this, [parameter], step);

    /// <summary>Updates a parameter on the CPU.</summary>
    private protected abstract void Update<T>(UpdatedParameter parameter, int step) where T : unmanaged, IFloatingPointIeee754<T>;

    internal void UpdateOnCpu(UpdatedParameter parameter, int step)
    {
        if (parameter.Value.DType == DType.Float32)
            Update<float>(parameter, step);
        else
            Update<double>(parameter, step);
        GC.KeepAlive(parameter);
    }

    /// <summary>Enqueues the update of all parameters of a table.</summary>
    /// <param name="table">The tensors.</param>
    /// <param name="settings">The numbers of <see cref="Settings"/> in device memory.</param>
    /// <param name="factor">A number in device memory that multiplies every gradient; null: 1.</param>
    internal void Launch(TensorTable table, Tensor settings, Tensor? factor)
    {
        CudaLaunch launch = table.Launch(Kernel);
        launch.Add(settings);
        launch.Add(factor);
        table.Run(ref launch);
        GC.KeepAlive(settings);
        GC.KeepAlive(factor);
    }

    /// <summary>Checks that the rule can update a parameter, and that it is on the expected device.</summary>
    /// <exception cref="ShapeException">It cannot.</exception>
    internal void Require(UpdatedParameter parameter, Device device)
    {
        Tensor value = parameter.Value;
        if (!value.DType.IsFloat())
            throw new ShapeException(GetType().Name, "parameter", value, "a float32 or float64 tensor");
        if (value.Device != device)
            throw new ShapeException(GetType().Name, "parameter", $"{value} on {value.Device}", $"on {device} like the first parameter");
        RequireLike("gradient", parameter.Gradient, value);
        int given = parameter.State.Count;
        if (given > StateNames.Count)
            throw new ShapeException(GetType().Name, "state", $"{given} tensors", string.Join(", ", StateNames));
        if (given < StateNames.Count && (given > 0 || NeedsState))
            throw new ShapeException(GetType().Name, StateNames[given], null, $"{value} like the parameter, for {this}");
        for (int i = 0; i < given; i++)
            RequireLike(StateNames[i], parameter.State[i], value);
    }

    private void RequireLike(string name, Tensor tensor, Tensor value)
    {
        if (tensor.Shape != value.Shape || tensor.DType != value.DType || tensor.Device != value.Device)
            throw new ShapeException(GetType().Name, name, $"{tensor} on {tensor.Device}",
                $"{value} on {value.Device} like the parameter");
    }
}
