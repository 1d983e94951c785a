namespace CsUnet.Tensors;

/// <summary>Why a file cannot be read, in the parts of an error message.</summary>
/// <param name="Place">The file, and the line where it has one.</param>
/// <param name="Problem">What is wrong.</param>
/// <param name="Expected">What would be right, as a noun phrase; null if the problem makes it clear.</param>
/// <param name="Remedy">What to do, where the problem itself says it; null: what helps for files of this kind.</param>
/// <param name="Cause">What the system, or a library, threw.</param>
public sealed record FileProblem(string Place, string Problem, string? Expected, string? Remedy, Exception Cause);
