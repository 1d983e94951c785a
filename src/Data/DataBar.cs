using System.Runtime.InteropServices;

namespace CsUnet.Data;

/// <summary>
/// The information bar that microscopes write below a micrograph: rows of one background colour with text and a scale bar, across the whole
/// width and down to the picture's bottom edge.
/// </summary>
public static class DataBar
{
    // A bar has text, so it has a least height. No microscope gives it more than a third of the picture.
    private const int LeastRows = 8, LeastPart = 64, LargestPart = 3;

    // Shares of a row's pixels. A row at the bar's upper edge has no text, apart from lines between fields. A row through text, or through
    // the scale bar, has less background.
    private const double Clear = 0.9, Line = 0.95, Text = 0.3, Cover = 0.55;

    // At the bar's upper edge, this share of the columns changes at once. A dark region above a dark bar hides the rest of the edge.
    private const double Edge = 0.3;

    // Levels between background and text, and how much of a bar is text.
    private const int Contrast = 64, LeastStrokes = 12;
    private const double LeastInk = 0.002, LargestInk = 0.5, LargestShade = 0.2;

    // Levels by which a background can vary: not at all, and after lossy compression.
    private static readonly int[] s_tolerances = [2, 8, 16];

    /// <summary>
    /// Number of rows of the information bar at the bottom of a picture; 0 if there is none. A bar is recognised by four signs together:
    /// a nearly constant background, text that is much lighter or darker, an upper edge across the picture in one row, and no such
    /// background directly above it.
    /// </summary>
    public static int Find(Image image)
    {
        if (image.Height < 4 * LeastRows || image.Width < 4 * LeastRows)
            return 0;
        foreach (int tolerance in s_tolerances)
            if (new Search(image, tolerance).Find() is > 0 and int rows)
                return rows;
        return 0;
    }

    private sealed class Search
    {
        private readonly Image _image;
        private readonly int _tolerance;
        private readonly int _background;
        private readonly Dictionary<int, Row> _rows = [];
        private readonly int[] _counts = new int[256];

        public Search(Image image, int tolerance)
        {
            _image = image;
            _tolerance = tolerance;
            _background = Commonest(image.Height - Math.Max(LeastRows, image.Height / 25), image.Height);
        }

        public int Find()
        {
            int height = _image.Height, least = Math.Max(LeastRows, height / LeastPart), top = height;
            while (top > height - height / LargestPart && IsOfBar(RowAt(top - 1)))
                top--;
            for (; top <= height - least; top++)
                if (IsEdge(top) && IsBar(top))
                    return height - top;
            return 0;
        }

        /// <summary>Whether a row can lie in a bar: background with text, or a line.</summary>
        private static bool IsOfBar(Row row) => row.Clear >= Text || row.Line >= Line || row.Clear + row.Ink >= Clear;

        private bool IsEdge(int y) => (RowAt(y).Clear >= Clear || RowAt(y).Line >= Line)
            && RowAt(y - 1).Clear < Clear && RowAt(y - 1).Line < Line && Changed(y) >= Edge;

        private bool IsBar(int top)
        {
            int count = _image.Height - top, strokes = 0, rowsOfText = 0;
            double clear = 0, ink = 0, shade = 0;
            for (int y = top; y < _image.Height; y++)
            {
                Row row = RowAt(y);
                clear += row.Clear / count;
                // A line is no text.
                if (row.Line >= Line)
                    continue;
                ink += row.Ink / count;
                shade += (1 - row.Clear - row.Ink) / count;
                strokes += row.Strokes;
                rowsOfText += row.Strokes > 1 ? 1 : 0;
            }
            if (clear < Cover || ink is < LeastInk or > LargestInk || shade > LargestShade || strokes < LeastStrokes || rowsOfText < 3)
                return false;
            // A region of the specimen can be as even as a bar. But it is not bounded by one row, so there are such rows above as well.
            for (int y = Math.Max(0, top - count); y < top; y++)
                if (RowAt(y).Clear >= Clear)
                    return false;
            return true;
        }

        private Row RowAt(int y)
        {
            if (_rows.TryGetValue(y, out Row known))
                return known;
            int width = _image.Width, commonest = Commonest(y, y + 1), clear = 0, ink = 0, line = 0, strokes = 0;
            bool wasInk = false;
            for (int x = 0; x < width; x++)
            {
                int colour = Colour(y, x), distance = Distance(colour, _background);
                bool isInk = distance >= Contrast;
                clear += distance <= _tolerance ? 1 : 0;
                ink += isInk ? 1 : 0;
                strokes += isInk && !wasInk ? 1 : 0;
                line += Distance(colour, commonest) <= _tolerance ? 1 : 0;
                wasInk = isInk;
            }
            return _rows[y] = new Row((double)clear / width, (double)ink / width, (double)line / width, strokes);
        }

        /// <summary>The share of the columns that change from the row above to this row.</summary>
        private double Changed(int y)
        {
            int changed = 0;
            for (int x = 0; x < _image.Width; x++)
                changed += Distance(Colour(y, x), Colour(y - 1, x)) > _tolerance ? 1 : 0;
            return (double)changed / _image.Width;
        }

        private int Commonest(int from, int to)
        {
            if (_image.Channels == 3)
                return CommonestColour(from, to);
            Array.Clear(_counts);
            foreach (byte value in _image.Pixels.AsSpan(from * _image.Width, (to - from) * _image.Width))
                _counts[value]++;
            return Array.IndexOf(_counts, _counts.Max()) * 0x010101;
        }

        private int CommonestColour(int from, int to)
        {
            var counts = new Dictionary<int, int>();
            for (int y = from; y < to; y++)
                for (int x = 0; x < _image.Width; x++)
                    CollectionsMarshal.GetValueRefOrAddDefault(counts, Colour(y, x), out _)++;
            return counts.OrderByDescending(entry => entry.Value).ThenBy(entry => entry.Key).First().Key;
        }

        private int Colour(int y, int x)
        {
            long pixel = ((long)y * _image.Width + x) * _image.Channels;
            byte[] pixels = _image.Pixels;
            return _image.Channels == 1 ? pixels[pixel] * 0x010101
                : pixels[pixel] << 16 | pixels[pixel + 1] << 8 | pixels[pixel + 2];
        }

        /// <summary>The largest difference of two colours in a channel.</summary>
        private static int Distance(int a, int b) => Math.Max(Math.Abs((a >> 16) - (b >> 16)),
            Math.Max(Math.Abs((a >> 8 & 0xFF) - (b >> 8 & 0xFF)), Math.Abs((a & 0xFF) - (b & 0xFF))));

        /// <summary>A row of pixels.</summary>
        /// <param name="Clear">Share of background.</param>
        /// <param name="Ink">Share of text.</param>
        /// <param name="Line">Share of the row's commonest colour.</param>
        /// <param name="Strokes">Number of connected pieces of text.</param>
        private readonly record struct Row(double Clear, double Ink, double Line, int Strokes);
    }
}
