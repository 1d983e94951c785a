using CsUnet.Tensors;

namespace CsUnet.Kernels.Cuda;

/// <summary>
/// How a <see cref="RandomKey"/> travels to kernels that draw: the step, which changes while recorded launches stay the same, lies in one
/// word of device memory; the rest goes along as arguments.
/// </summary>
public static class CudaRandom
{
    /// <summary>
    /// Makes what is enqueued on a device from now on draw the numbers of a step; a recorded step needs it before every launch.
    /// </summary>
    public static void SetStep(Device device, uint step) => CudaDevice.Get(device).StepWord(step);

    /// <summary>The word of a device, set to the step of a key.</summary>
    internal static Tensor StepWord(RandomKey key, Device device) => CudaDevice.Get(device).StepWord(key.Step);

    /// <summary>
    /// Adds threshold, factor, layer and seed: an element is dropped when the upper 24 bits of its draw are below ceil(probability 2^24),
    /// which is <see cref="RandomKey.Uniform"/> below the probability.
    /// </summary>
    internal static void AddDraw(ref CudaLaunch launch, RandomKey key, double probability)
    {
        launch.Add((uint)Math.Ceiling(probability * (1 << 24)));
        launch.Add((float)(1 / (1 - probability)));
        launch.Add(key.Layer);
        launch.Add(key.Seed);
    }
}
