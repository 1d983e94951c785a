using System.Globalization;

namespace CsUnet.Verification;

/// <summary>A case that cannot be checked in a precision, because its rounding would switch a rectifier.</summary>
internal sealed class KinkException(string message) : Exception(message);
