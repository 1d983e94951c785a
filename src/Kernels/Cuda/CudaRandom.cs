using CsUnet.Tensors;

namespace CsUnet.Kernels.Cuda;

/// <summary>How a <see cref="RandomKey"/> travels to kernels that draw.</summary>
internal static class CudaRandom
{
    /// <summary>The step of a key as a word in device memory, where a recorded launch reads the value of the day.</summary>
    public static Tensor StepWord(RandomKey key, Device device) =>
        Tensor.From(BitConverter.GetBytes(key.Step), [sizeof(uint)]).To(device);

    /// <summary>
    /// Adds threshold, factor, layer and seed: an element is dropped when the upper 24 bits of its draw are below ceil(probability 2^24),
    /// which is <see cref="RandomKey.Uniform"/> below the probability.
    /// </summary>
    public static void AddDraw(ref CudaLaunch launch, RandomKey key, double probability)
    {
        launch.Add((uint)Math.Ceiling(probability * (1 << 24)));
        launch.Add((float)(1 / (1 - probability)));
        launch.Add(key.Layer);
        launch.Add(key.Seed);
    }
}
