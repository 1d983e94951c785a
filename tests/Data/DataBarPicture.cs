using CsUnet.Data;

namespace CsUnet.Tests.Data;

/// <summary>Micrographs with a data bar as microscopes write it.</summary>
internal static class DataBarPicture
{
    // Letters of 5x7 dots, a row of 5 bits each: "1", "5", "k", "V", "m".
    private static readonly byte[][] s_letters =
    [
        [4, 12, 4, 4, 4, 4, 14], [31, 16, 30, 1, 1, 17, 14], [16, 16, 18, 20, 24, 20, 18], [17, 17, 17, 17, 17, 10, 4],
        [0, 0, 26, 21, 21, 21, 21],
    ];

    /// <summary>Bright grains with noise on a darker ground.</summary>
    public static Image Micrograph(int height, int width, int channels = 1, int seed = 3)
    {
        var random = new Random(seed);
        (double Y, double X, double Radius)[] grains = [.. Enumerable.Range(0, 12).Select(_ =>
            (random.NextDouble() * height, random.NextDouble() * width, 4 + random.NextDouble() * 20))];
        byte[] pixels = new byte[height * width * channels];
        for (int y = 0; y < height; y++)
            for (int x = 0; x < width; x++)
            {
                bool isGrain = grains.Any(grain => Math.Pow(y - grain.Y, 2) + Math.Pow(x - grain.X, 2) < grain.Radius * grain.Radius);
                int level = (isGrain ? 180 : 70) + random.Next(-12, 13);
                for (int c = 0; c < channels; c++)
                    pixels[(y * width + x) * channels + c] = (byte)(level - 5 * c);
            }
        return new Image(pixels, height, width, channels);
    }

    /// <summary>The picture with a bar below it.</summary>
    /// <param name="image">The micrograph.</param>
    /// <param name="rows">Rows of the bar.</param>
    /// <param name="background">The bar's colour.</param>
    /// <param name="ink">The text's colour.</param>
    /// <param name="hasLine">Whether a line of the text's colour is the upper edge.</param>
    /// <param name="isFramed">Whether lines surround the bar and separate its fields.</param>
    public static Image WithBar(Image image, int rows, Rgb background, Rgb ink, bool hasLine = false, bool isFramed = false)
    {
        int width = image.Width, channels = image.Channels;
        byte[] pixels = [.. image.Pixels, .. new byte[rows * width * channels]];
        for (int y = 0; y < rows; y++)
            for (int x = 0; x < width; x++)
                Set(y, x, background);
        for (int x = 4, number = 0; x + 6 < width * 0.7; x += 6, number++)
            for (int y = 0; y < 7; y++)
                for (int dot = 0; dot < 5; dot++)
                    if (number % 5 < 4 && (s_letters[number * 3 % 5][y] >> (4 - dot) & 1) != 0)
                        Set(rows / 2 - 4 + y, x + dot, ink);
        for (int x = (int)(width * 0.75); x < width - 4; x++)
            Set(rows / 2, x, ink);
        for (int x = 0; x < width && (hasLine || isFramed); x++)
            Set(0, x, ink);
        for (int x = 0; x < width && isFramed; x++)
            Set(rows - 1, x, ink);
        for (int y = 0; y < rows && isFramed; y++)
            foreach (int x in new[] { 0, width / 3, width - 1 })
                Set(y, x, ink);
        return new Image(pixels, image.Height + rows, width, channels);

        void Set(int y, int x, Rgb colour)
        {
            int at = ((image.Height + y) * width + x) * channels;
            pixels[at] = colour.R;
            if (channels == 3)
                (pixels[at + 1], pixels[at + 2]) = (colour.G, colour.B);
        }
    }
}
