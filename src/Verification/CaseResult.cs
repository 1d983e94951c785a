namespace CsUnet.Verification;

/// <summary>The result of one golden case.</summary>
/// <param name="Op">The operator or module, from the file's metadata; empty if the file could not be read.</param>
/// <param name="Case">The file's name without folder and suffix.</param>
/// <param name="Error">Largest error of any tensor, relative to the tensor's largest entry.</param>
/// <param name="Tolerance">The tolerance for it.</param>
/// <param name="Tensor">The tensor of the largest error, as the file names it.</param>
/// <param name="Index">Its index in that tensor, in the file's layout.</param>
/// <param name="Tensors">Number of tensors compared.</param>
/// <param name="Failure">The problem; null if the case passed.</param>
/// <param name="Elapsed">Wall time.</param>
public sealed record CaseResult(
    string Op, string Case, double Error, double Tolerance, string Tensor, string Index, int Tensors, string? Failure, TimeSpan Elapsed)
{
    /// <summary>Whether every tensor was within tolerance and the engine used everything in the file.</summary>
    public bool Passed => Failure is null;

    /// <summary>Largest error over the tolerance: at most 1 for a case that passed.</summary>
    public double Share => Tolerance > 0 ? Error / Tolerance : Error > 0 ? double.PositiveInfinity : 0;
}
