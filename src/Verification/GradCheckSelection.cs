using CsUnet.Tensors;

namespace CsUnet.Verification;

/// <summary>The checks to run, and their device.</summary>
public sealed record GradCheckSelection
{
    /// <summary>Only checks whose name contains this text; null or empty for all.</summary>
    public string? Pattern { get; init; }

    /// <summary>Only the whole network of this preset, at 64 x 64; null for the small network and everything else.</summary>
    public string? Model { get; init; }

    /// <summary>Also single modules, more entries per argument, and more shapes. A pattern always includes the modules.</summary>
    public bool All { get; init; }

    /// <summary>
    /// The CPU checks everything in double against central differences; a CUDA device checks its kernels against the CPU's
    /// analytic gradients.
    /// </summary>
    public Device Device { get; init; }
}
