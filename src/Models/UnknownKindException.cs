using CsUnet.Tensors;

namespace CsUnet.Models;

/// <summary>Options in JSON have a kind that is not registered.</summary>
/// <param name="what">What the options describe: a network or an encoder.</param>
/// <param name="kind">The kind.</param>
/// <param name="known">The registered kinds.</param>
public sealed class UnknownKindException(string what, string kind, IEnumerable<string> known)
    : Exception(ProblemText.Compose(null, Text(what, kind), Registered(known))), IProblem
{
    /// <summary>The kind that is not registered.</summary>
    public string Kind { get; } = kind;

    string? IProblem.Place => null;

    /// <inheritdoc />
    public string Problem { get; } = Text(what, kind);

    /// <inheritdoc />
    public string Expected { get; } = Registered(known);

    string? IProblem.Remedy => null;

    private static string Text(string what, string kind) => $"{what} kind '{kind}' is not registered";

    private static string Registered(IEnumerable<string> known) => $"one of {string.Join(", ", known)}";
}
