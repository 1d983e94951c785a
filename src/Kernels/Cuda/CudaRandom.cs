using CsUnet.Tensors;

namespace CsUnet.Kernels.Cuda;

/// <summary>
/// Passes a <see cref="RandomKey"/> to kernels that draw. The step changes while recorded launches stay the same, so it is in one word of
/// device memory. The rest are arguments.
/// </summary>
public static class CudaRandom
{
    /// <summary>
    /// Makes all work enqueued on a device from now on draw the numbers of a step. A recorded step needs this call before every launch.
    /// </summary>
    public static void SetStep(Device device, uint step) => CudaDevice.Get(device).StepWord(step);

    /// <summary>The word of a device, set to the step of a key.</summary>
    internal static Tensor StepWord(RandomKey key, Device device) => CudaDevice.Get(device).StepWord(key.Step);

    /// <summary>
    /// Adds threshold, factor, layer and seed. An element is dropped if the upper 24 bits of its draw are below ceil(probability 2^24),
    /// that is if <see cref="RandomKey.Uniform"/> is below the probability.
    /// </summary>
    internal static void AddDraw(ref CudaLaunch launch, RandomKey key, double probability)
    {
        launch.Add((uint)Math.Ceiling(probability * (1 << 24)));
        launch.Add((float)(1 / (1 - probability)));
        launch.Add(key.Layer);
        launch.Add(key.Seed);
    }
}
