namespace CsUnet.Tensors;

/// <summary>A weight file cannot be read or written. The message names the file, the problem and the remedy.</summary>
/// <param name="path">The file.</param>
/// <param name="problem">What was found and what was expected.</param>
/// <param name="remedy">What the user can do about it.</param>
/// <param name="cause">The system's error, if there was one.</param>
public sealed class WeightFileException(string path, string problem, string remedy, Exception? cause = null)
    : IOException(ProblemText.Compose(path, problem, remedy: remedy), cause), IProblem
{
    /// <summary>The file.</summary>
    public string Path { get; } = path;

    string IProblem.Place => Path;

    /// <inheritdoc />
    public string Problem { get; } = problem;

    string? IProblem.Expected => null;

    /// <inheritdoc />
    public string Remedy { get; } = remedy;
}
