using CsUnet.Tensors;
using CsUnet.Verification;

namespace CsUnet.Lab;

/// <summary>
/// The operators that the lab measures, those with a case that has <see cref="OperatorCase.Usual"/> shapes, at these or any others.
/// </summary>
public static class LabCases
{
    private static readonly IReadOnlyList<(string Name, OperatorCase Case, UsualShapes Shapes)> s_measured =
    [
        .. OperatorCases.All.Where(item => item.Usual is not null)
            .Select(item => (NameOf(item), item, item.Usual!))
            .DistinctBy(entry => entry.Item1),
    ];

    /// <summary>The name under which the lab measures a case's operator: a word or two in small letters.</summary>
    public static string NameOf(OperatorCase item) => item.Usual?.Name ?? UsualShapes.NameOf(item.Op.Name);

    /// <summary>The operators' names, with what their shapes mean.</summary>
    public static IReadOnlyList<(string Name, string Help)> Operators { get; } =
        [.. s_measured.Select(entry => (entry.Name, entry.Shapes.Help))];

    /// <summary>The cases at the usual shapes of the operator of a name, or else of every operator whose name matches.</summary>
    /// <param name="pattern">A <see cref="NamePattern"/>; null for all.</param>
    public static IReadOnlyList<LabCase> Matching(string? pattern) =>
    [
        .. new NamePattern(pattern).Choose(s_measured, entry => entry.Name)
            .SelectMany(entry => entry.Shapes.Shapes.Select(shape => Create(entry.Name, shape))),
    ];

    /// <summary>An operator at a shape.</summary>
    /// <param name="op">Its name, one of <see cref="Operators"/>.</param>
    /// <param name="shape">The shape as text, which <see cref="ShapeText"/> reads.</param>
    /// <exception cref="InvalidValueException">There is no such operator, or the text is no shape of it.</exception>
    public static LabCase Create(string op, string shape)
    {
        (_, OperatorCase item, UsualShapes? shapes) = s_measured.FirstOrDefault(candidate => candidate.Name == op);
        if (shapes is null)
            throw new InvalidValueException(nameof(op), $"the lab has no operator '{op}'",
                $"one of {string.Join(", ", s_measured.Select(candidate => candidate.Name))}");
        ShapeText text = Parse(op, shapes, shape);
        try
        {
            OperatorCase made = (shapes.Create is { } create ? create(text) : item.At(text.Sizes)) with { Label = shape };
            return new LabCase(op, shape, made, Compositions.Of(made.Op));
        }
        catch (ArgumentException failure)
        {
            throw new InvalidValueException(nameof(shape), $"{op}: shape '{shape}' does not fit: {failure.Message}");
        }
    }

    private static ShapeText Parse(string op, UsualShapes shapes, string text)
    {
        string example = shapes.Shapes[0];
        ShapeText parsed = ShapeText.Read(text)
            ?? throw Unfit("cannot be read");
        ShapeText like = ShapeText.Read(example)!;
        return parsed.Sizes.Contains(0) || like.Channels > 0 != parsed.Channels > 0 || (like.Sizes.Rank == 4) != (parsed.Sizes.Rank == 4)
            ? throw Unfit("does not fit")
            : parsed;

        InvalidValueException Unfit(string how) =>
            new(nameof(text), $"{op}: shape '{text}' {how}", $"{shapes.Help}, for example {example}");
    }
}
