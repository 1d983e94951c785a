using System.Text.RegularExpressions;

namespace CsUnet.Verification;

/// <summary>The shapes at which the lab measures an operator, and how it makes a case of any other shape.</summary>
/// <param name="Help">What the numbers of a shape mean, for messages and lists, such as <c>(rows x channels)</c>.</param>
/// <param name="Shapes">
/// The usual shapes as text, which <see cref="ShapeText"/> reads: those of cs-unet-tiny at 224 x 224 with two images.
/// </param>
/// <param name="Create">
/// The case of a shape, without label; null: the case that this belongs to, with the new shape in place of its first input's (see
/// <see cref="OperatorCase.At"/>).
/// </param>
public sealed partial record UsualShapes(string Help, IReadOnlyList<string> Shapes, Func<ShapeText, OperatorCase>? Create = null)
{
    /// <summary>The operator's name in the lab; null: its own in small letters, as <see cref="NameOf"/> writes it.</summary>
    public string? Name { get; init; }

    /// <summary>A name in small letters with words apart: <c>layer_norm</c> of <c>LayerNorm</c>, <c>relu</c> of <c>ReLU</c>.</summary>
    /// <param name="name">The name of an operator or of a setting.</param>
    public static string NameOf(string name) => WordStart().Replace(name, "_").ToLowerInvariant();

    // A capital before a small letter, and after one or a digit.
    [GeneratedRegex("(?<=[a-z0-9])(?=[A-Z][a-z])")]
    private static partial Regex WordStart();
}
