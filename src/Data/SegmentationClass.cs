namespace CsUnet.Data;

/// <summary>One class of a segmentation task.</summary>
/// <param name="Name">As in tables and reports.</param>
/// <param name="Display">Its colour in label maps and overlays.</param>
/// <param name="Values">Grey values (or palette indices) of annotation files that mean it.</param>
/// <param name="Colours">Colours of annotation files that mean it.</param>
public sealed record SegmentationClass(string Name, Rgb Display, IReadOnlyList<int> Values, IReadOnlyList<Rgb> Colours);
