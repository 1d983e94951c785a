namespace CsUnet.Training;

/// <summary>Metrics of one class.</summary>
/// <param name="Name">The class.</param>
/// <param name="IoU">Intersection over union; null if the class has no pixel of truth.</param>
/// <param name="Dice">Dice coefficient; null in the same case.</param>
public sealed record ClassScore(string Name, double? IoU, double? Dice);
