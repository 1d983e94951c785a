using System.Collections;
using System.Globalization;
using System.Reflection;

namespace CsUnet.Verification;

/// <summary>Writes a case as a line of C# for OperatorCases.cs. Its numbers follow from operator, label and shapes.</summary>
public static class CaseCode
{
    /// <summary>For example <c>yield return new("1x2", new Softmax(), Exactness.Sums, new OperatorInput("input", [1, 2]));</c></summary>
    public static string Of(OperatorCase item)
    {
        // A single input could also be the whole list, so the compiler needs its type.
        string type = item.Inputs.Count == 1 ? $" {nameof(OperatorInput)}" : "";
        return $"yield return new({Text(item.Label)}, {New(item.Op)}, Exactness.{item.Exactness}, "
            + $"{string.Join(", ", item.Inputs.Select(input => Input(input, type)))});";
    }

    private static string Input(OperatorInput? input, string type)
    {
        if (input is null)
            return "null";
        var parts = new List<string> { Text(input.Name), Value(input.Shape) };
        if (input.Fill != Fill.Normal)
            parts.Add($"Fill.{input.Fill}");
        if (!input.NeedsGradient)
            parts.Add("NeedsGradient: false");
        if (input.Classes != 0)
            parts.Add($"Classes: {Value(input.Classes)}");
        if (input.Ignore is { } ignore)
            parts.Add($"Ignore: {Value(ignore)}");
        if (input.Role != InputRole.Activation)
            parts.Add($"Role: {Value(input.Role)}");
        return $"new{type}({string.Join(", ", parts)})";
    }

    /// <summary>A record by its primary constructor, without the arguments that have their defaults.</summary>
    private static string New(object record)
    {
        ConstructorInfo constructor = record.GetType().GetConstructors().MaxBy(candidate => candidate.GetParameters().Length)!;
        IEnumerable<string> arguments = constructor.GetParameters()
            .Select(parameter => (parameter, Value: record.GetType().GetProperty(parameter.Name!)!.GetValue(record)))
            .Where(pair => !pair.parameter.HasDefaultValue || !Equals(Default(pair.parameter), pair.Value))
            .Select(pair => $"{pair.parameter.Name}: {Value(pair.Value)}");
        return $"new {record.GetType().Name}({string.Join(", ", arguments)})";
    }

    // Reflection returns the default of a structure or enumeration as null or as its number.
    private static object? Default(ParameterInfo parameter) =>
        parameter.ParameterType.IsEnum && parameter.DefaultValue is { } number
            ? Enum.ToObject(parameter.ParameterType, number)
            : parameter.DefaultValue ?? (parameter.ParameterType.IsValueType ? Activator.CreateInstance(parameter.ParameterType) : null);

    private static string Value(object? value) => value switch
    {
        null => "null",
        bool flag => flag ? "true" : "false",
        string text => Text(text),
        Enum => $"{value.GetType().Name}.{value}",
        // The shortest text that reads back as the same number.
        IFormattable number when value.GetType().IsPrimitive => number.ToString(null, CultureInfo.InvariantCulture) + Suffix(value),
        IEnumerable values => $"[{string.Join(", ", values.Cast<object?>().Select(Value))}]",
        _ => New(value),
    };

    private static string Suffix(object value) => value is float ? "f" : "";

    private static string Text(string text) =>
        $"\"{text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)}\"";
}
