namespace CsUnet.Verification;

/// <summary>The engine cannot run a golden file: an operator, parameter or tensor is unknown or missing.</summary>
public sealed class CaseException(string message) : Exception(message);
