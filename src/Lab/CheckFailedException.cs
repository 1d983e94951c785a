namespace CsUnet.Lab;

/// <summary>A variant that does not give the operator's result: nothing of it is timed.</summary>
public sealed class CheckFailedException(string message) : Exception(message);
