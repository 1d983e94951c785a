using CsUnet.Autograd;
using CsUnet.Cuda;
using CsUnet.Kernels;
using CsUnet.Tensors;
using CsUnet.Verification;

namespace CsUnet.Lab;

/// <summary>
/// Counts the launches of an operator's passes, or of a whole training step, on the emulator.
/// </summary>
public static class ModelProjection
{
    /// <summary>Blocks per launch that run for a whole network: with so many launches, the borders matter little.</summary>
    private const int SampledBlocks = 2;

    /// <summary>The launches of an operator's forward and backward pass.</summary>
    /// <param name="item">The operator and its inputs.</param>
    /// <param name="type">float32 or bfloat16.</param>
    /// <param name="choice">The variant; null for the usual one.</param>
    /// <param name="sample">Blocks of a launch that run; 0 for all.</param>
    public static IReadOnlyList<CountedLaunch> OfOperator(OperatorCase item, DType type, KernelChoice? choice,
        int sample = LaunchCounts.SampledBlocks)
    {
        using var arena = new StepArena();
        using StepArena.StepScope step = arena.BeginStep();
        Variable?[] inputs = item.CreateInputs(type, Device.Cuda);
        return LaunchCounts.Of(() =>
        {
            using KernelChoices.Forced? forced = choice is null ? null : KernelChoices.Force(choice);
            Variable output = Variable.Apply(item.Op, inputs).Keep();
            if (output.RequiresGradient)
                output.Backward(Tensor.Full(output.Shape, 1, output.Value.DType, Device.Cuda));
        }, sample);
    }

    /// <summary>
    /// The launches of a training step (forward, loss, backward, update) of a network. Tensors of skipped launches take only address space,
    /// so the batch need not fit into memory.
    /// </summary>
    /// <param name="runStep">Creates the network and runs one training step on the emulated device.</param>
    /// <param name="once">Runs equal launches only once; see <see cref="LaunchCounts.Of"/>.</param>
    public static IReadOnlyList<CountedLaunch> OfStep(Action runStep, bool once = true)
    {
        CudaEmulator.SetMemory(ulong.MaxValue >> 1);
        return LaunchCounts.Of(runStep, SampledBlocks, once);
    }
}
