using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using CsUnet.Tensors;
using CsUnet.Training;

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

    /// <summary>The size of an input, as a run has it: N or HxW.</summary>
    public static Option<(int Height, int Width)?> Size(string description) => new("--size")
    {
        HelpName = "N|HxW", Description = description,
        CustomParser = result =>
        {
            try
            {
                TrainingOptions read = new TrainingOptions().With("size", result.Tokens[0].Value);
                return (read.Height, read.Width);
            }
            catch (OptionException failure)
            {
                result.AddError(UsageException.From(failure).Message);
                return null;
            }
        },
    };

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
