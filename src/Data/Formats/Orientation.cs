namespace CsUnet.Data.Formats;

/// <summary>
/// The eight orientations of EXIF and TIFF (tag 274): where the stored first row and first column belong. 1 top left (upright), 2 top
/// right, 3 bottom right, 4 bottom left, 5 left top, 6 right top, 7 right bottom, 8 left bottom.
/// </summary>
internal static class Orientation
{
    /// <summary>Whether upright rows are stored columns.</summary>
    public static bool IsTurned(int orientation) => orientation >= 5;

    /// <summary>The upright place of the stored pixel [row, column] of an image of height x width stored pixels.</summary>
    public static (int Row, int Column) Upright(int orientation, int row, int column, int height, int width) => orientation switch
    {
        2 => (row, width - 1 - column),
        3 => (height - 1 - row, width - 1 - column),
        4 => (height - 1 - row, column),
        5 => (column, row),
        6 => (column, height - 1 - row),
        7 => (width - 1 - column, height - 1 - row),
        8 => (width - 1 - column, row),
        _ => (row, column),
    };

    /// <summary>The samples (H, W, channels) of the upright picture; the same array if it is upright already.</summary>
    public static T[] Turn<T>(T[] stored, int orientation, int height, int width, int channels)
    {
        if (orientation == 1)
            return stored;
        int uprightWidth = IsTurned(orientation) ? height : width;
        long Place(int row, int column)
        {
            (int y, int x) = Upright(orientation, row, column, height, width);
            return ((long)y * uprightWidth + x) * channels;
        }
        // upright[first + row * perRow + column * perColumn] = stored[row, column]
        long first = Place(0, 0);
        long perRow = height > 1 ? Place(1, 0) - first : 0, perColumn = width > 1 ? Place(0, 1) - first : 0;
        T[] upright = GC.AllocateUninitializedArray<T>(stored.Length);
        long source = 0;
        for (int row = 0; row < height; row++)
        {
            long target = first + row * perRow;
            for (int column = 0; column < width; column++, target += perColumn)
                for (int c = 0; c < channels; c++)
                    upright[target + c] = stored[source++];
        }
        return upright;
    }
}
