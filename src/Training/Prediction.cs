namespace CsUnet.Training;

/// <summary>The labels of an image.</summary>
/// <param name="Labels">One label per pixel, (H, W).</param>
/// <param name="Height">Rows.</param>
/// <param name="Width">Columns.</param>
/// <param name="Classes">Number of classes.</param>
/// <param name="Probabilities">Probabilities (H, W, classes), if they were requested.</param>
public sealed record Prediction(byte[] Labels, int Height, int Width, int Classes, float[]? Probabilities)
{
    /// <summary>Fraction of the pixels per class.</summary>
    public double[] Fractions()
    {
        var counts = new long[Classes];
        foreach (byte label in Labels)
            counts[label]++;
        return [.. counts.Select(count => (double)count / Labels.Length)];
    }
}
