using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using CsUnet.Tensors;

namespace CsUnet.Cli;

/// <summary>
/// Creates options. Their messages name the option, the value and what is expected. Every option is null when it is not given.
/// </summary>
internal static class Options
{
    public static Option<string?> Text(string name, string help, string description) =>
        new(name) { HelpName = help, Description = description };

    /// <summary>A file that the command writes at its end; whether it can be written is checked before the work.</summary>
    public static Option<string?> OutputFile(string name, string help, string description) =>
        Output(name, help, description, OutputFiles.CheckFile);

    /// <summary>A folder that the command writes into; whether it can be is checked before the work.</summary>
    public static Option<string?> OutputFolder(string name, string help, string description) =>
        Output(name, help, description, OutputFiles.CheckFolder);

    public static Option<bool> Flag(string name, string description) => new(name) { Description = description, Arity = ArgumentArity.Zero };

    /// <summary>One of a few words; the message about a misspelt word suggests the nearest one.</summary>
    public static Option<string?> Choice(string name, string help, string description, params string[] values) => new(name)
    {
        HelpName = help, Description = description,
        CustomParser = result => Word(name, result, values),
    };

    public static Option<int?> Integer(string name, string help, string description, int minimum, int maximum = int.MaxValue) => new(name)
    {
        HelpName = help, Description = description,
        CustomParser = result =>
        {
            string text = result.Tokens[0].Value;
            if (int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int value) && value >= minimum
                && value <= maximum)
                return value;
            string range = maximum == int.MaxValue ? $"from {minimum} up" : $"from {minimum} to {maximum}";
            result.AddError($"{name} {text}: expected a whole number {range}");
            return null;
        },
    };

    public static Option<ulong?> Seed(string description) => new("--seed")
    {
        HelpName = "N", Description = description,
        CustomParser = result =>
        {
            string text = result.Tokens[0].Value;
            if (ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out ulong value))
                return value;
            result.AddError($"--seed {text}: expected a whole number from 0 up");
            return null;
        },
    };

    /// <summary>A size: N or HxW.</summary>
    public static Option<(int Height, int Width)?> Size(string name, string description) => new(name)
    {
        HelpName = "N|HxW", Description = description,
        CustomParser = result =>
        {
            try
            {
                return ParseSize(name, result.Tokens[0].Value);
            }
            catch (UsageException failure)
            {
                result.AddError(failure.Message);
                return null;
            }
        },
    };

    /// <summary>Parses a size: 224 or 128x256.</summary>
    /// <exception cref="UsageException">The text is not a size, or no network can have this size.</exception>
    private static (int Height, int Width) ParseSize(string name, string text)
    {
        string[] parts = text.Split('x', 'X');
        if (parts.Length is 1 or 2 && parts.All(part => int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out _)))
        {
            int height = int.Parse(parts[0], CultureInfo.InvariantCulture), width = int.Parse(parts[^1], CultureInfo.InvariantCulture);
            if (height is >= 32 and <= 8192 && width is >= 32 and <= 8192 && height % 32 == 0 && width % 32 == 0)
                return (height, width);
            (int h, int w) = (Near(height), Near(width));
            string near = h == w ? $"{h}" : $"{h}x{w}";
            throw new UsageException("impossible size", "sides that are multiples of 32, from 32 to 8192 pixels", $"{name} {text}",
                $"the nearest is {near}");
        }
        throw new UsageException("no size", "pixels as N or HxW, for example 128 or 128x256", $"{name} {text}");

        static int Near(int side) => Math.Clamp((int)Math.Round(side / 32.0) * 32, 32, 8192);
    }

    /// <summary>Gets the value given on the command line; returns false if there is none.</summary>
    public static bool TryGet<T>(this ParseResult result, Option<T?> option, out T value) where T : struct
    {
        T? given = result.GetResult(option) is { Implicit: false } ? result.GetValue(option) : null;
        value = given ?? default;
        return given is not null;
    }

    private static Option<string?> Output(string name, string help, string description, Action<string, string> check) => new(name)
    {
        HelpName = help, Description = description,
        CustomParser = result =>
        {
            string path = result.Tokens[0].Value;
            try
            {
                check(path.Length == 0 ? $"{name} ''" : $"{name} {path}", path);
            }
            catch (UsageException failure)
            {
                result.AddError(failure.Message);
            }
            return path;
        },
    };

    private static string? Word(string name, ArgumentResult result, string[] values)
    {
        string text = result.Tokens[0].Value;
        if (values.Contains(text))
            return text;
        result.AddError(UsageException.Unknown("not known", text, values, $"{name} {text}").Message);
        return null;
    }
}
