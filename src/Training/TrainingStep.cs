using CsUnet.Data;
using CsUnet.Tensors;

namespace CsUnet.Training;

/// <summary>Training steps on the model's device: batch, forward, loss, backward, clipping, update.</summary>
public abstract class TrainingStep : IDisposable
{
    /// <summary>The steps for the device that the model is on.</summary>
    /// <param name="state">The model and what trains it.</param>
    /// <param name="execution">How a device computes.</param>
    public static TrainingStep Create(TrainingState state, ExecutionOptions execution) =>
        state.Model.Device.Kind == DeviceKind.Cuda ? new DeviceStep(state, execution) : new HostStep(state);

    /// <summary>Most steps that may be run before they are read.</summary>
    public virtual int Capacity => 1;

    /// <summary>How many steps were launched as a recorded CUDA graph.</summary>
    public virtual int Replays { get; protected set; }

    /// <summary>Runs a step, or makes a device begin with it.</summary>
    /// <param name="batches">Where its batch comes from.</param>
    /// <param name="step">Steps done before.</param>
    /// <param name="learningRate">Its learning rate.</param>
    public abstract void Run(IBatchSource batches, int step, double learningRate);

    /// <summary>
    /// Waits until all steps are done, and returns what those since the last call found, in order. After a step whose loss or gradient norm
    /// is not finite the weights are lost on a device; on the processor those from before it are left.
    /// </summary>
    public abstract IReadOnlyList<StepResult> Read();

    /// <summary>Frees what the steps hold besides the arena.</summary>
    public virtual void Dispose()
    {
    }
}
