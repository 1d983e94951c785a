using CsUnet.Tensors;

namespace CsUnet.Nn;

/// <summary>How a parameter is initialised.</summary>
/// <param name="Kind">The distribution.</param>
/// <param name="Scale">The standard deviation, the bound of the uniform distribution, or the constant.</param>
public sealed record Initializer(InitializerKind Kind, double Scale)
{
    /// <summary>All zeros: biases.</summary>
    public static Initializer Zeros { get; } = new(InitializerKind.Constant, 0);

    /// <summary>All ones: the weights of norms.</summary>
    public static Initializer Ones { get; } = new(InitializerKind.Constant, 1);

    /// <summary>
    /// Normal with standard deviation 0.02, truncated at two standard deviations: linear weights and position-bias tables, as in Swin.
    /// </summary>
    public static Initializer TruncatedNormal { get; } = new(InitializerKind.TruncatedNormal, 0.02);

    /// <summary>He et al. 2015, fan-out: normal with variance 2 / (output channels x kernel area), for ResNet's convolutions.</summary>
    public static Initializer He(int outputChannels, int kernelArea) =>
        new(InitializerKind.Normal, Math.Sqrt(2.0 / ((double)outputChannels * kernelArea)));

    /// <summary>
    /// PyTorch's default for a convolution, He et al. 2015 with negative slope sqrt(5): uniform within 1 / sqrt(fan-in). Used for
    /// convolutions without a batch norm after them: with fan-out scaling, a classifier with few classes would start with logits of several
    /// units.
    /// </summary>
    public static Initializer HeUniform(int fanIn) => new(InitializerKind.Uniform, 1 / Math.Sqrt(fanIn));

    /// <summary>Sets every element as a function of only the key and the element's index.</summary>
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
            // A rejected number is drawn again with the element's next counter, which is far from the counters of all other elements.
            for (ulong attempt = 1; Kind == InitializerKind.TruncatedNormal && Math.Abs(value) > 2; attempt++)
                value = key.Normal((ulong)i + (attempt << 48));
            tensor[i] = value * Scale;
        }
    }

    /// <summary>FNV-1a hash of a name, 32 bits: the layer number for a parameter's initial values.</summary>
    public static uint NameHash(string name)
    {
        uint hash = 2166136261;
        foreach (byte b in System.Text.Encoding.UTF8.GetBytes(name))
            hash = (hash ^ b) * 16777619;
        return hash;
    }
}
