using CsCheck;

namespace CsUnet.Cases;

/// <summary>One number that a shape depends on.</summary>
/// <param name="Name">Its name in labels.</param>
/// <param name="Minimum">The smallest value, where shrinking goes.</param>
/// <param name="Maximum">The largest.</param>
/// <param name="Preferred">Values that a third of the draws take: vector widths, tile sizes, and one off them.</param>
internal sealed record ShapeParameter(string Name, int Minimum, int Maximum, params IReadOnlyList<int> Preferred)
{
    /// <summary>Draws of a preferred value, for two of any.</summary>
    public int PreferredWeight { get; init; } = 1;

    public Gen<int> Draw() => Preferred.Count == 0
        ? Gen.Int[Minimum, Maximum]
        : Gen.Frequency((2, Gen.Int[Minimum, Maximum]), (PreferredWeight, Gen.OneOfConst([.. Preferred])));
}

/// <summary>The shapes and settings that an operator takes, as a function of a few numbers.</summary>
/// <param name="Op">The operator's name.</param>
/// <param name="Parameters">The numbers.</param>
/// <param name="Build">The case of such numbers without its label, or null if the operator does not take them together.</param>
/// <param name="Like">The case whose settings they have, if the operator has several families.</param>
internal sealed record ShapeFamily(
    string Op, IReadOnlyList<ShapeParameter> Parameters, Func<IReadOnlyList<int>, OperatorCase?> Build, string? Like = null)
{
    /// <summary>The name of its search.</summary>
    public string Name => Like is null ? $"{Op} random shapes" : $"{Op} random shapes like {Like}";

    /// <summary>The case, named after its numbers: its data follow from that name, so that the pasted case fails as the found one did.</summary>
    public OperatorCase? Create(IReadOnlyList<int> values)
    {
        OperatorCase? item = Build(values);
        return item is null ? null : item with { Label = $"{item.Label} {string.Join(' ', Parameters.Zip(values, (parameter, value) => $"{parameter.Name}={value}"))}".TrimStart() };
    }

    /// <summary>Numbers, which the operator may or may not take together.</summary>
    public Gen<int[]> Draw() => Parameters.Aggregate(
        Gen.Const(Array.Empty<int>()), (values, parameter) => Gen.Select(values, parameter.Draw(), (drawn, value) => (int[])[.. drawn, value]));
}
