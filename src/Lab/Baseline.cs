namespace CsUnet.Lab;

/// <summary>A pass by NVIDIA's libraries, on the same shapes.</summary>
/// <param name="Name">Library and version.</param>
/// <param name="Run">Enqueues the pass.</param>
internal sealed record Baseline(string Name, Action Run);
