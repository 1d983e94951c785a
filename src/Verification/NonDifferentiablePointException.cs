namespace CsUnet.Verification;

/// <summary>A case cannot be checked in a precision because rounding would switch a rectifier.</summary>
internal sealed class NonDifferentiablePointException(string message) : Exception(message);
