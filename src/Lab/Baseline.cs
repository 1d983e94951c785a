namespace CsUnet.Lab;

/// <summary>A pass by an NVIDIA library, on the same shapes.</summary>
/// <param name="Name">Library and version.</param>
/// <param name="Run">Enqueues the pass.</param>
internal sealed record Baseline(string Name, Action Run);
