using CsUnet.Data;
using CsUnet.Tensors;

namespace CsUnet.Training;

/// <summary>Training steps on the model's device: batch, forward, loss, backward, clipping, update.</summary>
public abstract class TrainingStep : IDisposable
{
    /// <summary>Creates the training steps for the model's device.</summary>
    /// <param name="state">The model and the objects that train it.</param>
    /// <param name="execution">How to compute on the device.</param>
    public static TrainingStep Create(TrainingState state, ExecutionOptions execution) =>
        state.Model.Device.Kind == DeviceKind.Cuda ? new DeviceStep(state, execution) : new HostStep(state);

    /// <summary>Maximum number of steps between two calls of <see cref="Read"/>.</summary>
    public virtual int Capacity => 1;

    /// <summary>Number of steps that were launched as a CUDA graph.</summary>
    public virtual int Replays { get; protected set; }

    /// <summary>Runs a step, or enqueues it on a CUDA device.</summary>
    /// <param name="batches">The source of the batch.</param>
    /// <param name="step">Steps completed before.</param>
    /// <param name="learningRate">The learning rate of the step.</param>
    public abstract void Run(IBatchSource batches, int step, double learningRate);

    /// <summary>
    /// Waits until all steps have finished, and returns the results since the last call, in order. If a step's loss or gradient norm is not
    /// finite, a CUDA device has lost the weights; the CPU keeps the weights from before that step.
    /// </summary>
    public abstract IReadOnlyList<StepResult> Read();

    /// <summary>Frees what the steps hold, except for the arena.</summary>
    public virtual void Dispose()
    {
    }
}
