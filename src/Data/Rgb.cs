using System.Globalization;

namespace CsUnet.Data;

/// <summary>A colour of 8 bits per channel.</summary>
/// <param name="R">Red.</param>
/// <param name="G">Green.</param>
/// <param name="B">Blue.</param>
public readonly record struct Rgb(byte R, byte G, byte B)
{
    /// <summary>Reads <c>#rrggbb</c> or <c>rrggbb</c>.</summary>
    public static bool TryParse(string text, out Rgb colour)
    {
        string digits = text.StartsWith('#') ? text[1..] : text;
        bool number = uint.TryParse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out uint value);
        bool valid = number && digits.Length == 6;
        colour = valid ? new Rgb((byte)(value >> 16), (byte)(value >> 8), (byte)value) : default;
        return valid;
    }

    /// <summary>Whether the three channels are equal.</summary>
    public bool IsGrey => R == G && G == B;

    /// <summary>For example <c>#ff0000</c>.</summary>
    public override string ToString() => $"#{R:x2}{G:x2}{B:x2}";
}
