namespace CsUnet.Data;

/// <summary>255 (level / 255)^exponent, the exponent drawn uniformly.</summary>
/// <param name="LowExponent">Smallest exponent; below 1 brightens.</param>
/// <param name="HighExponent">Largest exponent.</param>
public sealed record Gamma(double LowExponent, double HighExponent) : PixelOperation
{
    internal override void Apply(PixelBuffer buffer, Draws draws)
    {
        float exponent = draws.Between(0, LowExponent, HighExponent);
        foreach (ref float level in buffer.Used)
            level = 255 * MathF.Pow(level / 255, exponent);
        buffer.Clip();
    }

    internal override string ToYaml() => $"{{op: gamma, exponent: [{F(LowExponent)}, {F(HighExponent)}]}}";
}
