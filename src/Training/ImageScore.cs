namespace CsUnet.Training;

/// <summary>Metrics of one image.</summary>
/// <param name="File">The image's name without its extension.</param>
/// <param name="Confusion">The counts of its pixels.</param>
public sealed record ImageScore(string File, ConfusionMatrix Confusion);
