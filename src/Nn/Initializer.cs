using CsUnet.Tensors;

namespace CsUnet.Nn;

/// <summary>How a parameter starts.</summary>
/// <param name="Kind">The distribution.</param>
/// <param name="Scale">Its standard deviation, the bound of a uniform one, or the constant.</param>
public sealed record Initializer(InitializerKind Kind, double Scale)
{
    /// <summary>All zeros: biases.</summary>
    public static Initializer Zeros { get; } = new(InitializerKind.Constant, 0);

    /// <summary>All ones: the scales of norms.</summary>
    public static Initializer Ones { get; } = new(InitializerKind.Constant, 1);

    /// <summary>
    /// Normal of standard deviation 0.02, cut at two standard deviations: linear weights and position-bias tables, as Swin's.
    /// </summary>
    public static Initializer TruncatedNormal { get; } = new(InitializerKind.TruncatedNormal, 0.02);

    /// <summary>He et al. 2015, fan-out: normal of variance 2 / (output channels x kernel area), for ResNet's convolutions.</summary>
    public static Initializer He(int outputChannels, int kernelArea) =>
        new(InitializerKind.Normal, Math.Sqrt(2.0 / ((double)outputChannels * kernelArea)));

    /// <summary>
    /// PyTorch's default for a convolution, He et al. 2015 with negative slope sqrt(5): uniform within 1 / sqrt(fan-in). For convolutions
    /// that no batch norm follows: fan-out scaling would start a classifier of few classes with logits of several units.
    /// </summary>
    public static Initializer HeUniform(int fanIn) => new(InitializerKind.Uniform, 1 / Math.Sqrt(fanIn));

    /// <summary>Sets every element, as a function of the key and the element's index only.</summary>
    public void Fill(Tensor tensor, RandomKey key)
    {
        if (Kind == InitializerKind.Constant)
        {
            tensor.Fill(Scale);
            return;
        }
        for (long i = 0; i < tensor.Count; i++)
        {
            if (Kind == InitializerKind.Uniform)
            {
                tensor[i] = (2 * key.Uniform((ulong)i) - 1) * Scale;
                continue;
            }
            double value = key.Normal((ulong)i);
            // A rejected number is drawn again from the element's next counter, far from every other element's.
            for (ulong attempt = 1; Kind == InitializerKind.TruncatedNormal && Math.Abs(value) > 2; attempt++)
                value = key.Normal((ulong)i + (attempt << 48));
            tensor[i] = value * Scale;
        }
    }

    /// <summary>FNV-1a of a name, 32 bits: the layer number of a parameter's initial values.</summary>
    public static uint NameHash(string name)
    {
        uint hash = 2166136261;
        foreach (byte b in System.Text.Encoding.UTF8.GetBytes(name))
            hash = (hash ^ b) * 16777619;
        return hash;
    }
}
