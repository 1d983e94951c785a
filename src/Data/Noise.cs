namespace CsUnet.Data;

/// <summary>Gaussian noise, equal on the three channels, because a micrograph's detector has one.</summary>
/// <param name="LowSigma">Smallest standard deviation, in levels of 0..255.</param>
/// <param name="HighSigma">Largest standard deviation; uniform between the two.</param>
public sealed record Noise(double LowSigma, double HighSigma) : PixelOperation
{
    internal override void Apply(PixelBuffer buffer, Draws draws)
    {
        float sigma = draws.Between(0, LowSigma, HighSigma);
        int channels = buffer.Channels, pixels = buffer.Height * buffer.Width;
        Span<float> normals = stackalloc float[4];
        for (int i = 0; i < pixels; i++)
        {
            if (i % 4 == 0)
                draws.Normals(i / 4, normals);
            for (int c = 0; c < channels; c++)
                buffer.Pixels[i * channels + c] += sigma * normals[i % 4];
        }
        buffer.Clip();
    }

    internal override string ToYaml() => $"{{op: noise, sigma: [{F(LowSigma)}, {F(HighSigma)}]}}";
}
