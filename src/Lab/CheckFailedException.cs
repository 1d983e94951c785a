namespace CsUnet.Lab;

/// <summary>A variant's result differs from the operator's, so the variant is not timed.</summary>
public sealed class CheckFailedException(string message) : Exception(message);
