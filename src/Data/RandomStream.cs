using CsUnet.Tensors;

namespace CsUnet.Data;

/// <summary>A sequence of random numbers, for generators whose number of draws depends on earlier draws.</summary>
internal sealed class RandomStream(RandomKey key)
{
    private ulong _next;
    private uint _keys;

    public float Between(float low, float high) => low + (high - low) * (float)key.Uniform(_next++);

    /// <summary>A number from low to high, both inclusive.</summary>
    public int Integer(int low, int high) => low + key.Integer(_next++, high - low + 1);

    public float Normal() => (float)key.Normal(_next++);

    /// <summary>A key of independent numbers, for fields that are indexed by pixel.</summary>
    public RandomKey NextKey() => key with { Seed = key.Seed ^ ((ulong)++_keys << 56) };
}
