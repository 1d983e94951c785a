using CsUnet.Autograd;
using CsUnet.Cases;
using CsUnet.Cuda;
using CsUnet.Kernels;
using CsUnet.Kernels.Cuda;
using CsUnet.Tensors;

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
    /// The launches of a training step (forward, loss, backward, update) of a network. A batch whose activations do not fit into this
    /// machine's memory is counted with the largest number of images that do and with half of them, and extended along the line through both:
    /// exact for launches that grow with the batch, as most do, and for those that do not depend on it.
    /// </summary>
    /// <param name="batch">Images of the projected step.</param>
    /// <param name="memory">Bytes that the emulated device's activations may take.</param>
    /// <param name="countStep">Runs one training step of so many images on the emulated device; returns the bytes of its activations.</param>
    /// <returns>The launches, and how many images were counted.</returns>
    public static (IReadOnlyList<CountedLaunch> Launches, int Images) OfStep(int batch, long memory, Func<int, long> countStep)
    {
        CudaEmulator.SetMemory(ulong.MaxValue >> 1);
        long perImage = 0;
        Count(1, images => perImage = countStep(images));
        int images = (int)Math.Clamp(memory / Math.Max(1, perImage), 2, batch);
        if (images >= batch)
            return (Count(batch, count => countStep(count)), batch);
        images -= images % 2;
        return (Extend(Count(images / 2, count => countStep(count)), Count(images, count => countStep(count)), images, batch), images);
    }

    private static IReadOnlyList<CountedLaunch> Count(int images, Action<int> countStep) => LaunchCounts.Of(() => countStep(images), sample: 2);

    /// <summary>
    /// Counts at a batch from those at <paramref name="images"/> and at half of it, operator by operator. Where the two launch other kernels
    /// for an operator, since small batches are shared out otherwise, the larger count is scaled.
    /// </summary>
    internal static IReadOnlyList<CountedLaunch> Extend(IReadOnlyList<CountedLaunch> half, IReadOnlyList<CountedLaunch> whole, int images, int batch)
    {
        List<List<CountedLaunch>> a = Runs(half), b = Runs(whole);
        double f = 2.0 * (images - batch) / images, g = 1 - f, scale = (double)batch / images;
        return
        [
            .. b.SelectMany((run, index) => a.Count == b.Count && a[index].Select(launch => launch.Launch.Kernel).SequenceEqual(run.Select(launch => launch.Launch.Kernel))
                ? run.Zip(a[index], (large, small) => Line(small, large, f, g))
                : run.Select(launch => Line(launch, launch, 0, scale))),
        ];
    }

    /// <summary>Launches of the same operator in a row.</summary>
    private static List<List<CountedLaunch>> Runs(IReadOnlyList<CountedLaunch> launches)
    {
        var runs = new List<List<CountedLaunch>>();
        foreach (CountedLaunch launch in launches)
        {
            if (runs.Count == 0 || runs[^1][0].Operator != launch.Operator)
                runs.Add([]);
            runs[^1].Add(launch);
        }
        return runs;
    }

    // f a + g b of every count, and not below that of the larger batch, b.
    private static CountedLaunch Line(CountedLaunch a, CountedLaunch b, double f, double g)
    {
        double Mix(double x, double y) => Math.Max(f * x + g * y, y);
        return b with
        {
            Launch = b.Launch with
            {
                Grid = new dim3((uint)Math.Clamp(Mix(a.Launch.Blocks, b.Launch.Blocks), 1, int.MaxValue)),
                TensorBytes = (long)Mix(a.Launch.TensorBytes, b.Launch.TensorBytes),
            },
            Sectors = Mix(a.Sectors, b.Sectors), IdealSectors = Mix(a.IdealSectors, b.IdealSectors),
            Wavefronts = Mix(a.Wavefronts, b.Wavefronts), IdealWavefronts = Mix(a.IdealWavefronts, b.IdealWavefronts),
            MatrixInstructions = Mix(a.MatrixInstructions, b.MatrixInstructions), Flops = Mix(a.Flops, b.Flops),
        };
    }
}
