namespace CsUnet.Data;

/// <summary>
/// CLAHE: every tile's clipped histogram gives a table from old to new brightness; a pixel interpolates bilinearly between the tables of
/// the four tiles around it.
/// </summary>
internal static class HistogramEqualisation
{
    private const int Levels = 256, SmallestTile = 32;

    public static void Apply(PixelBuffer buffer, double clip, int tiles)
    {
        int rows = Math.Clamp(buffer.Height / SmallestTile, 1, tiles), columns = Math.Clamp(buffer.Width / SmallestTile, 1, tiles);
        int channels = buffer.Channels;
        float[][] tables = new float[rows * columns][];
        for (int row = 0; row < rows; row++)
            for (int column = 0; column < columns; column++)
                tables[row * columns + column] = Table(buffer, row, rows, column, columns, clip);

        for (int y = 0; y < buffer.Height; y++)
        {
            (int top, int bottom, float down) = Neighbours(y, buffer.Height, rows);
            for (int x = 0; x < buffer.Width; x++)
            {
                (int left, int right, float across) = Neighbours(x, buffer.Width, columns);
                Span<float> pixel = buffer.Pixels.AsSpan((y * buffer.Width + x) * channels, channels);
                float old = Brightness(pixel);
                int level = Level(old);
                float above = Mix(tables[top * columns + left][level], tables[top * columns + right][level], across);
                float below = Mix(tables[bottom * columns + left][level], tables[bottom * columns + right][level], across);
                float change = Mix(above, below, down) - old;
                foreach (ref float value in pixel)
                    value += change;
            }
        }
        buffer.Clip();
    }

    private static float[] Table(PixelBuffer buffer, int row, int rows, int column, int columns, double clip)
    {
        int top = row * buffer.Height / rows, bottom = (row + 1) * buffer.Height / rows;
        int left = column * buffer.Width / columns, right = (column + 1) * buffer.Width / columns;
        double[] histogram = new double[Levels];
        for (int y = top; y < bottom; y++)
            for (int x = left; x < right; x++)
                histogram[Level(Brightness(buffer.Pixels.AsSpan((y * buffer.Width + x) * buffer.Channels, buffer.Channels)))]++;

        int area = (bottom - top) * (right - left);
        double limit = Math.Max(1, clip * area / Levels), excess = 0;
        for (int i = 0; i < Levels; i++)
        {
            excess += Math.Max(0, histogram[i] - limit);
            histogram[i] = Math.Min(histogram[i], limit);
        }
        float[] table = new float[Levels];
        double sum = 0;
        for (int i = 0; i < Levels; i++)
        {
            sum += histogram[i] + excess / Levels;
            table[i] = (float)(sum * 255 / area);
        }
        return table;
    }

    // The tiles whose centres lie before and after a pixel, and its position between the two.
    private static (int Before, int After, float Place) Neighbours(int i, int length, int tiles)
    {
        float position = (i + 0.5f) * tiles / length - 0.5f;
        int before = (int)MathF.Floor(position);
        return (Math.Max(before, 0), Math.Min(before + 1, tiles - 1), position - before);
    }

    private static float Brightness(ReadOnlySpan<float> pixel) =>
        pixel.Length == 1 ? pixel[0] : 0.299f * pixel[0] + 0.587f * pixel[1] + 0.114f * pixel[2];

    private static int Level(float value) => Math.Clamp((int)(value + 0.5f), 0, Levels - 1);

    private static float Mix(float a, float b, float share) => a + (b - a) * share;
}
