using CsUnet.Data;

namespace CsUnet.Training;

/// <summary>The labels of an image.</summary>
/// <param name="Labels">One label per pixel, (H, W); <see cref="ClassMap.Ignored"/> in a data bar that was left out.</param>
/// <param name="Height">Rows.</param>
/// <param name="Width">Columns.</param>
/// <param name="Classes">Number of classes.</param>
/// <param name="Probabilities">Probabilities (H, W, classes), if they were requested; 0 in a data bar that was left out.</param>
public sealed record Prediction(byte[] Labels, int Height, int Width, int Classes, float[]? Probabilities)
{
    /// <summary>Fraction of the pixels per class, among those that are not ignored.</summary>
    public double[] Fractions()
    {
        var counts = new long[ClassMap.Ignored + 1];
        foreach (byte label in Labels)
            counts[label]++;
        long counted = Labels.Length - counts[ClassMap.Ignored];
        return [.. counts.Take(Classes).Select(count => (double)count / counted)];
    }
}
