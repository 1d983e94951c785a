using System.Globalization;
using CsUnet.Tensors;

namespace CsUnet.Data;

/// <summary>
/// The sample values that become the levels 0 to 255 of an <see cref="Image"/>: level = round(255 (sample - Low) / (High - Low)), where
/// samples below Low become 0 and samples above High 255.
/// </summary>
public sealed record IntensityRange
{
    /// <summary>A range of sample values.</summary>
    /// <param name="low">Becomes level 0.</param>
    /// <param name="high">Becomes level 255; above <paramref name="low"/>.</param>
    /// <exception cref="InvalidValueException">The numbers are not finite, or are no range.</exception>
    public IntensityRange(double low, double high)
    {
        if (!IsRange(low, high))
            throw new InvalidValueException(nameof(low), string.Create(CultureInfo.InvariantCulture, $"the range is {low} to {high}"),
                "two numbers, the first below the second");
        Low = low;
        High = high;
    }

    /// <summary>The sample value of level 0.</summary>
    public double Low { get; }

    /// <summary>The sample value of level 255.</summary>
    public double High { get; }

    /// <summary>Whether two numbers are the ends of a range: finite, ascending, and neither too near nor too far apart for a double.
    /// </summary>
    public static bool IsRange(double low, double high) =>
        low < high && double.IsFinite(high - low) && double.IsFinite(255 / (high - low));

    /// <summary>The range of all values that whole-number samples of 1 to 16 bits can have: 0 to 2^bits - 1.</summary>
    public static IntensityRange FullOf(int bits)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(bits, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bits, 16);
        return new IntensityRange(0, (1 << bits) - 1);
    }

    /// <summary>The picture in levels. The full range of 8-bit samples keeps them as they are, without a copy.</summary>
    public Image Apply(RawImage raw)
    {
        if (raw.Bytes is { } bytes && this == FullOf(8))
            return new Image(bytes, raw.Height, raw.Width, raw.Channels) { Notices = raw.Notices };
        byte[] levels = new byte[(long)raw.Height * raw.Width * raw.Channels];
        if (raw.Reals is { } reals)
        {
            for (int i = 0; i < levels.Length; i++)
                levels[i] = Level(reals[i]);
            return new Image(levels, raw.Height, raw.Width, raw.Channels) { Notices = raw.Notices };
        }
        byte[] table = new byte[raw.Bytes is null ? 65536 : 256];
        for (int value = 0; value < table.Length; value++)
            table[value] = Level(value);
        if (raw.Bytes is { } narrow)
            for (int i = 0; i < levels.Length; i++)
                levels[i] = table[narrow[i]];
        else
            for (int i = 0; i < levels.Length; i++)
                levels[i] = table[raw.Words![i]];
        return new Image(levels, raw.Height, raw.Width, raw.Channels) { Notices = raw.Notices };
    }

    /// <summary>For example <c>0 to 4095</c>.</summary>
    public override string ToString() => $"{Text(Low)} to {Text(High)}";

    /// <summary>A sample value for people: whole numbers exactly, others with six digits.</summary>
    internal static string Text(double value) =>
        value.ToString(value == Math.Round(value) && Math.Abs(value) < 1e9 ? "F0" : "G6", CultureInfo.InvariantCulture);

    // NaN is not above the range's start, so it becomes 0.
    private byte Level(double sample)
    {
        double level = (sample - Low) * 255 / (High - Low);
        return level >= 255 ? (byte)255 : level > 0 ? (byte)(level + 0.5) : (byte)0;
    }
}
