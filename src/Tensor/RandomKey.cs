namespace CsUnet.Tensors;

/// <summary>
/// Determines a random number, together with the element's index: the run's seed, the training step, and the layer (or other consumer) that
/// draws it. The number depends on nothing else, so resumed and repeated runs draw the same numbers on every device and with any number of
/// threads.
/// </summary>
/// <param name="Seed">The run's seed.</param>
/// <param name="Step">The training step, from 0.</param>
/// <param name="Layer">Which consumer draws, unique within the step.</param>
public readonly record struct RandomKey(ulong Seed, uint Step, uint Layer)
{
    /// <summary>Four independent 32-bit numbers for one element.</summary>
    public (uint A, uint B, uint C, uint D) Bits(ulong element) =>
        Philox.Block((uint)element, (uint)(element >> 32), Step, Layer, (uint)Seed, (uint)(Seed >> 32));

    /// <summary>A number uniform in [0, 1), a multiple of 2^-24, the same for float and double.</summary>
    public double Uniform(ulong element) => (Bits(element).A >> 8) * (1.0 / (1 << 24));

    /// <summary>A standard normal number, by the Box-Muller transform of one block.</summary>
    public double Normal(ulong element)
    {
        (uint a, uint b, _, _) = Bits(element);
        double radius = Math.Sqrt(-2 * Math.Log((a + 1.0) / 4294967296.0));
        return radius * Math.Cos(2 * Math.PI * (b / 4294967296.0));
    }

    /// <summary>An integer uniform in [0, <paramref name="bound"/>).</summary>
    public int Integer(ulong element, int bound) => (int)(((ulong)Bits(element).A * (uint)bound) >> 32);
}
