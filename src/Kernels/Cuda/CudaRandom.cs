using System.Collections.Concurrent;
using CsUnet.Tensors;

namespace CsUnet.Kernels.Cuda;

/// <summary>
/// How a <see cref="RandomKey"/> travels to kernels that draw: the step, which changes while recorded launches stay the same, lies in one
/// word of device memory; the rest goes along as arguments.
/// </summary>
public static class CudaRandom
{
    private static readonly ConcurrentDictionary<Device, Word> s_words = [];

    private sealed class Word(Device device)
    {
        public Tensor Tensor { get; } = Make(device);

        public uint? Value { get; set; }

        private static Tensor Make(Device device)
        {
            using StepArena.PersistentScope scope = StepArena.Suspend();
            return Tensor.Empty([sizeof(uint)], DType.UInt8, device);
        }
    }

    /// <summary>Makes what is enqueued on a device from now on draw the numbers of a step; a recorded step needs it before every launch.</summary>
    public static void SetStep(Device device, uint step)
    {
        Word word = s_words.GetOrAdd(device, key => new Word(key));
        if (word.Value == step)
            return;
        CudaDevice.Get(device).SetWord(word.Tensor, step);
        word.Value = step;
    }

    /// <summary>The word of a device, set to the step of a key.</summary>
    internal static Tensor StepWord(RandomKey key, Device device)
    {
        SetStep(device, key.Step);
        return s_words[device].Tensor;
    }

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
