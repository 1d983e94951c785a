namespace CsUnet.Verification;

/// <summary>A golden file that the engine cannot run: an unknown operator, parameter or tensor, or something missing.</summary>
public sealed class CaseException(string message) : Exception(message);
