namespace CsUnet.Data.Formats;

/// <summary>Reads the orientation from an EXIF block, which is a TIFF file without a picture.</summary>
internal static class ExifOrientation
{
    private const string Unreadable = "the EXIF block cannot be read: the picture is taken as upright";

    /// <summary>1 to 8; 1 if the block has none. A block that cannot be read gives a notice.</summary>
    public static int Read(string path, ReadOnlyMemory<byte> exif, List<string> notices)
    {
        using var source = new ByteSource(path, exif);
        if (TiffLayout.Read(source) is not { } layout || TiffDirectory.Read(source, layout, layout.FirstDirectory) is not { } directory)
        {
            notices.Add(Unreadable);
            return 1;
        }
        try
        {
            return Check(directory.Number(TiffTag.Orientation, 1), notices);
        }
        catch (DataException)
        {
            notices.Add(Unreadable);
            return 1;
        }
    }

    /// <summary>A stored orientation; one that is not 1 to 8 is taken as upright, with a notice unless it is 0 (unknown).</summary>
    public static int Check(long stored, List<string> notices)
    {
        if (stored is >= 1 and <= 8)
            return (int)stored;
        if (stored != 0)
            notices.Add($"the orientation {stored} has no meaning (1 to 8 have): the picture is taken as upright");
        return 1;
    }
}
