using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using CsUnet.Data;
using CsUnet.Tensors;

namespace CsUnet.Training;

/// <summary>The types of option values.</summary>
internal static class OptionTypes
{
    /// <summary>An integer.</summary>
    public static SingleType<int> Integer(int minimum, int maximum) => new(
        "N", string.Create(CultureInfo.InvariantCulture, $"a whole number from {minimum} to {maximum}"),
        (string text, out int value) => int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out value),
        Text, value => value >= minimum && value <= maximum);

    /// <summary>An integer, or nothing.</summary>
    public static OptionalType<int> OptionalInteger(int minimum, int maximum) => new(Integer(minimum, maximum));

    /// <summary>A list of integers.</summary>
    public static ListType<int> Integers(string valueName, int minimum, int maximum) => new(valueName, Integer(minimum, maximum));

    /// <summary>A number.</summary>
    public static SingleType<double> Number(double minimum, double maximum) => new(
        "N", string.Create(CultureInfo.InvariantCulture, $"a number from {minimum} to {maximum}"),
        (string text, out double value) => double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out value),
        // The shortest text that reads back as the same double.
        value => value.ToString("R", CultureInfo.InvariantCulture), value => value >= minimum && value <= maximum);

    /// <summary>A list of numbers.</summary>
    public static ListType<double> Numbers(string valueName, double minimum, double maximum) => new(valueName, Number(minimum, maximum));

    /// <summary>A random seed.</summary>
    public static SingleType<ulong> Seed { get; } = new(
        "N", string.Create(CultureInfo.InvariantCulture, $"a whole number from 0 to {ulong.MaxValue}"),
        (string text, out ulong value) => ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value),
        value => value.ToString(CultureInfo.InvariantCulture), _ => true);

    /// <summary>Height and width of an input; a single number if they are equal.</summary>
    public static SingleType<(int Height, int Width)> Size { get; } = new(
        "N|HxW", "one number or HEIGHTxWIDTH, multiples of 32 from 32 to 8192, for example 128 or 128x256", ParseSize,
        size => size.Height == size.Width ? Text(size.Height) : $"{Text(size.Height)}x{Text(size.Width)}",
        size => IsSide(size.Height) && IsSide(size.Width), nearest: size => (NearestSide(size.Height), NearestSide(size.Width)));

    /// <summary>One of a set of words.</summary>
    public static SingleType<string> Word(IReadOnlyList<string> words) => new(
        "NAME", $"one of {string.Join(", ", words)}", Any,
        value => value, words.Contains, words);

    /// <summary>A value of an enumeration, written as a word.</summary>
    public static SingleType<T> Word<T>(params (string Word, T Value)[] words) where T : struct, Enum => new(
        "NAME", $"one of {string.Join(", ", words.Select(entry => entry.Word))}",
        (string text, out T value) =>
        {
            int index = Array.FindIndex(words, entry => entry.Word == text);
            value = index < 0 ? default : words[index].Value;
            return index >= 0;
        },
        value => words.Where(entry => entry.Value.Equals(value)).Select(entry => entry.Word).FirstOrDefault(value.ToString()),
        value => words.Any(entry => entry.Value.Equals(value)), [.. words.Select(entry => entry.Word)]);

    /// <summary>A rule that finds the range of samples that becomes levels.</summary>
    public static SingleType<IntensityRule> Intensity { get; } = new(
        "NAME|LO,HI", $"one of {string.Join(", ", IntensityRule.Words)}, or two numbers LO,HI with LO below HI", IntensityRule.TryParse,
        rule => $"{rule}", _ => true, IntensityRule.Words);

    /// <summary>A value of another type, or nothing.</summary>
    public static OptionalType<T> Optional<T>(SingleType<T> type) where T : struct => new(type);

    /// <summary>A word, or nothing.</summary>
    public static OptionalString OptionalWord(IReadOnlyList<string> words) => new("NAME", Word(words));

    /// <summary>A list of arbitrary texts.</summary>
    public static ListType<string> Texts(string valueName) => new(valueName, new SingleType<string>(
        valueName, "a text", Any, value => value, _ => true));

    /// <summary>The words of a type, for the description of an option: <c>adamw or sgd</c>.</summary>
    public static string Choice<T>(OptionType<T> type) => ProblemText.OneOf(type.Words);

    private static bool Any(string text, [MaybeNullWhen(false)] out string value)
    {
        value = text;
        return true;
    }

    private static string Text(int value) => value.ToString(CultureInfo.InvariantCulture);

    private static bool IsSide(int side) => side is >= 32 and <= 8192 && side % 32 == 0;

    private static int NearestSide(int side) => Math.Clamp((int)Math.Round(side / 32.0) * 32, 32, 8192);

    private static bool ParseSize(string text, out (int Height, int Width) size)
    {
        string[] parts = text.Split('x', 'X');
        size = default;
        return parts.Length is 1 or 2
            && int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out size.Height)
            && int.TryParse(parts[^1], NumberStyles.None, CultureInfo.InvariantCulture, out size.Width);
    }
}
