using CsUnet.Tensors;

namespace CsUnet.Verification;

/// <summary>The shapes and settings that an operator supports, as a function of a few numbers.</summary>
/// <param name="Op">The operator's name.</param>
/// <param name="Parameters">The numbers.</param>
/// <param name="Build">Builds the case without its label, or returns null if the operator does not support this combination.</param>
/// <param name="Like">The case that supplies the settings, if the operator has several families.</param>
internal sealed record ShapeFamily(
    string Op, IReadOnlyList<ShapeParameter> Parameters, Func<IReadOnlyList<int>, OperatorCase?> Build, string? Like = null)
{
    /// <summary>The name of its search.</summary>
    public string Name => Like is null ? $"{Op} random shapes" : $"{Op} random shapes like {Like}";

    /// <summary>The case, named after its numbers. Its data follow from the name, so the pasted case fails like the found one.</summary>
    public OperatorCase? Create(IReadOnlyList<int> values)
    {
        OperatorCase? item = Build(values);
        if (item is null)
            return null;
        string numbers = string.Join(' ', Parameters.Zip(values, (parameter, value) => $"{parameter.Name}={value}"));
        return item with { Label = $"{item.Label} {numbers}".TrimStart() };
    }

    /// <summary>Numbers, which the operator may or may not take together.</summary>
    /// <param name="key">What they depend on.</param>
    /// <param name="next">The random number to take next.</param>
    public int[] Draw(RandomKey key, ref ulong next)
    {
        int[] values = new int[Parameters.Count];
        for (int i = 0; i < values.Length; i++)
            values[i] = Parameters[i].Draw(key, ref next);
        return values;
    }
}
