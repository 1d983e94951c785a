namespace CsUnet.Tensors;

/// <summary>
/// What an error says, in parts, for programs that show, translate or extend it. The message of such an exception is composed of these
/// parts by <see cref="ProblemText"/>; nobody has to take a message apart.
/// </summary>
public interface IProblem
{
    /// <summary>Where it is: a file, a file and its line, an option, or an operator; null where there is no such place.</summary>
    string? Place { get; }

    /// <summary>What is wrong, for example <c>the mask has 512x256 pixels</c>.</summary>
    string Problem { get; }

    /// <summary>What would be right, a noun phrase, for example <c>512x512 as its image</c>; null where the problem says it all.</summary>
    string? Expected { get; }

    /// <summary>What to do about it, a clause in the imperative or a question; null where nothing but the expectation helps.</summary>
    string? Remedy { get; }
}
