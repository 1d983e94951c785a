using System.Globalization;

namespace CsUnet.Verification;

/// <summary>A case that cannot be checked in a precision, because its rounding would switch a rectifier.</summary>
internal sealed class NonDifferentiablePointException(string message) : Exception(message);
