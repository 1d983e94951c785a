namespace CsUnet.Models;

/// <summary>Options in JSON whose kind no type is registered for.</summary>
/// <param name="what">What they describe: a network or an encoder.</param>
/// <param name="kind">The kind.</param>
/// <param name="known">The kinds that are registered.</param>
public sealed class UnknownKindException(string what, string kind, IEnumerable<string> known)
    : Exception($"{what} kind '{kind}' is not registered; registered are {string.Join(", ", known)}")
{
    /// <summary>The kind that is not registered.</summary>
    public string Kind { get; } = kind;
}
