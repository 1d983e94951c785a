using System.Diagnostics;
using CsUnet.Tensors;

namespace CsUnet.Verification;

/// <summary>Which checks to run, and where.</summary>
public sealed record GradCheckSelection
{
    /// <summary>Only checks whose name holds this text; null or empty for all.</summary>
    public string? Pattern { get; init; }

    /// <summary>Only the whole network of this preset, at 64 x 64; null for the small network and everything else.</summary>
    public string? Model { get; init; }

    /// <summary>
    /// Also the single modules, more entries of each argument, and more shapes; a pattern reaches the modules in any case.
    /// </summary>
    public bool All { get; init; }

    /// <summary>
    /// On the processor everything is checked in double against central differences; on a CUDA device its kernels against the processor's
    /// analytic gradients.
    /// </summary>
    public Device Device { get; init; }
}
