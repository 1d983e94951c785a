using CsUnet.Autograd;
using CsUnet.Cases;
using CsUnet.Cuda;
using CsUnet.Kernels;
using CsUnet.Kernels.Cuda;
using CsUnet.Models;
using CsUnet.Tensors;
using CsUnet.Training;

namespace CsUnet.Lab;

/// <summary>
/// Counts the launches of an operator's passes, or of a whole training step, on the emulator.
/// </summary>
public static class ModelProjection
{
    /// <summary>The launches of an operator's forward and backward pass.</summary>
    /// <param name="item">The operator and its inputs.</param>
    /// <param name="type">float32 or bfloat16.</param>
    /// <param name="choice">The variant; null: the usual one.</param>
    /// <param name="sample">Blocks of a launch that run; 0: all.</param>
    public static IReadOnlyList<CountedLaunch> OfOperator(OperatorCase item, DType type, KernelChoice? choice, int sample = LaunchCounts.SampledBlocks)
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
    /// The launches of a training step (forward, loss, backward, update) of a network, counted with one image and with two, and extended
    /// along the line through both to a batch: exact where launches grow with the batch as most do, and where they do not depend on it.
    /// </summary>
    /// <param name="options">The network.</param>
    /// <param name="batch">Images of the projected step.</param>
    /// <param name="countStep">Runs one training step of that many images on the emulated device.</param>
    public static IReadOnlyList<CountedLaunch> OfStep(CsUnetOptions options, int batch, Action<CsUnetOptions, int> countStep)
    {
        IReadOnlyList<CountedLaunch> one = LaunchCounts.Of(() => countStep(options, 1), 2), two = LaunchCounts.Of(() => countStep(options, 2), 2);
        if (!one.Select(launch => launch.Operator).SequenceEqual(two.Select(launch => launch.Operator)))
            return [.. two.Select(launch => Line(launch, launch, 1, batch / 2.0))];
        return [.. one.Zip(two, (a, b) => Line(a, b, 1 - (batch - 1), batch - 1))];
    }

    // a f + b g of every count; the kernel is that of the larger batch.
    private static CountedLaunch Line(CountedLaunch a, CountedLaunch b, double f, double g)
    {
        if (ReferenceEquals(a, b))
            f = 0;
        double Mix(double x, double y) => Math.Max(f * x + g * y, Math.Max(x, y));
        var blocks = (uint)Math.Min(int.MaxValue, Mix(a.Launch.Blocks, b.Launch.Blocks));
        return b with
        {
            Launch = b.Launch with { Grid = new dim3(Math.Max(1, blocks)), TensorBytes = (long)Mix(a.Launch.TensorBytes, b.Launch.TensorBytes) },
            Sectors = Mix(a.Sectors, b.Sectors), IdealSectors = Mix(a.IdealSectors, b.IdealSectors),
            Wavefronts = Mix(a.Wavefronts, b.Wavefronts), IdealWavefronts = Mix(a.IdealWavefronts, b.IdealWavefronts),
            MatrixInstructions = Mix(a.MatrixInstructions, b.MatrixInstructions), Flops = Mix(a.Flops, b.Flops),
        };
    }
}
