namespace CsUnet.Weights;

/// <summary>A pickle is damaged, or holds something that is not data. The reader of the file adds its name and a remedy.</summary>
/// <param name="problem">What is wrong.</param>
/// <param name="remedy">What to do; null: the file is damaged.</param>
internal sealed class PickleException(string problem, string? remedy = null) : Exception(problem)
{
    public string? Remedy { get; } = remedy;
}
