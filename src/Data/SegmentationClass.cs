namespace CsUnet.Data;

/// <summary>One class of a segmentation task.</summary>
/// <param name="Name">Its name in tables and reports.</param>
/// <param name="Display">Its colour in label maps and overlays.</param>
/// <param name="Values">The grey values or palette indices of this class in annotation files.</param>
/// <param name="Colours">The colours of this class in annotation files.</param>
public sealed record SegmentationClass(string Name, Rgb Display, IReadOnlyList<int> Values, IReadOnlyList<Rgb> Colours);
