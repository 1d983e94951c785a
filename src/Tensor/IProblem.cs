namespace CsUnet.Tensors;

/// <summary>
/// The parts of an error message, for programs that show, translate or extend it. <see cref="ProblemText"/> composes the message of such an
/// exception from these parts, so that no program has to parse it.
/// </summary>
public interface IProblem
{
    /// <summary>The place of the error: a file, a file and its line, an option, or an operator; null if it has none.</summary>
    string? Place { get; }

    /// <summary>What is wrong, for example <c>the mask has 512x256 pixels</c>.</summary>
    string Problem { get; }

    /// <summary>The correct value, as a noun phrase, for example <c>512x512 as its image</c>; null if the problem makes it clear.</summary>
    string? Expected { get; }

    /// <summary>
    /// What to do about it, as a clause in the imperative or a question; null if there is no advice beyond the expectation.
    /// </summary>
    string? Remedy { get; }

    /// <summary>Further lines of the message, such as one for each of several problems; mostly none.</summary>
    IReadOnlyList<string> Lines => [];
}
