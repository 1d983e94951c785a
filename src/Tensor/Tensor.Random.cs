namespace CsUnet.Tensors;

public sealed unsafe partial class Tensor
{
    // The step number of these tensors. No training step has it, and the initial values of parameters use another one.
    private const uint DataStep = uint.MaxValue - 1;

    private const long RandomGrain = 4096;

    private enum Distribution : uint
    {
        Normal,
        Uniform,
        Integers,
    }

    /// <summary>
    /// Normal numbers of mean 0 and standard deviation 1. They depend only on the seed and the element's index, and are the same on every
    /// device.
    /// </summary>
    /// <param name="shape">Dimensions.</param>
    /// <param name="seed">Selects the numbers.</param>
    /// <param name="type">Element type: float32, float64 or bfloat16.</param>
    /// <param name="device">Where; <see cref="Device.Default"/> if not given.</param>
    /// <exception cref="ArgumentException">The type is an integer type.</exception>
    public static Tensor Normal(Shape shape, ulong seed, DType type = DType.Float32, Device? device = null)
    {
        RequireFloat(type, nameof(Normal));
        RandomKey key = KeyOf(seed, Distribution.Normal);
        return Drawn(shape, type, device, i => key.Normal((ulong)i));
    }

    /// <summary>
    /// Numbers uniform in [low, high). They depend only on the seed and the element's index, and are the same on every device.
    /// </summary>
    /// <param name="shape">Dimensions.</param>
    /// <param name="seed">Selects the numbers.</param>
    /// <param name="low">The lower bound, included.</param>
    /// <param name="high">The upper bound, excluded.</param>
    /// <param name="type">Element type: float32, float64 or bfloat16.</param>
    /// <param name="device">Where; <see cref="Device.Default"/> if not given.</param>
    /// <exception cref="ArgumentException">The type is an integer type.</exception>
    public static Tensor Uniform(
        Shape shape, ulong seed, double low = 0, double high = 1, DType type = DType.Float32, Device? device = null)
    {
        RequireFloat(type, nameof(Uniform));
        RandomKey key = KeyOf(seed, Distribution.Uniform);
        return Drawn(shape, type, device, i => low + (high - low) * key.Uniform((ulong)i));
    }

    /// <summary>
    /// Uniform integers in [0, below). They depend only on the seed and the element's index, and are the same on every device.
    /// </summary>
    /// <param name="shape">Dimensions.</param>
    /// <param name="below">The upper bound, excluded; at least 1.</param>
    /// <param name="seed">Selects the numbers.</param>
    /// <param name="type">Element type: int64, int32 or uint8.</param>
    /// <param name="device">Where; <see cref="Device.Default"/> if not given.</param>
    /// <exception cref="ArgumentException">The type is not an integer type, or is too small for the bound.</exception>
    public static Tensor Integers(Shape shape, int below, ulong seed, DType type = DType.Int64, Device? device = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(below, 1);
        if (!type.IsInteger())
            throw new ArgumentException($"Tensor.Integers: type is {type.Label()}, expected int64, int32 or uint8", nameof(type));
        if (type == DType.UInt8 && below > 256)
            throw new ArgumentException($"Tensor.Integers: below is {below}, expected at most 256 for uint8", nameof(below));
        RandomKey key = KeyOf(seed, Distribution.Integers);
        return Drawn(shape, type, device, i => key.Integer((ulong)i, below));
    }

    private static RandomKey KeyOf(ulong seed, Distribution distribution) => new(seed, DataStep, (uint)distribution);

    private static void RequireFloat(DType type, string method)
    {
        if (!type.IsFloat())
            throw new ArgumentException($"Tensor.{method}: type is {type.Label()}, expected float32, float64 or bfloat16", nameof(type));
    }

    private static Tensor Drawn(Shape shape, DType type, Device? device, Func<long, double> draw)
    {
        Tensor tensor = Empty(shape, type);
        Workers.Split(tensor.Count, RandomGrain, (start, end) =>
        {
            for (long i = start; i < end; i++)
                tensor[i] = draw(i);
        });
        return tensor.To(device ?? Device.Default);
    }
}
