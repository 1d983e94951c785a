namespace CsUnet.Data.Formats;

/// <summary>Numbers of the TIFF fields that decide how samples are read (TIFF 6.0 and its supplements).</summary>
internal static class TiffTag
{
    public const int NewSubfileType = 254, SubfileType = 255, ImageWidth = 256, ImageLength = 257, BitsPerSample = 258, Compression = 259,
        Photometric = 262, FillOrder = 266, ImageDescription = 270, StripOffsets = 273, Orientation = 274, SamplesPerPixel = 277,
        RowsPerStrip = 278, StripByteCounts = 279, PlanarConfiguration = 284, T4Options = 292, T6Options = 293, Predictor = 317,
        ColorMap = 320, TileWidth = 322, TileLength = 323, TileOffsets = 324, TileByteCounts = 325, SubIfds = 330, ExtraSamples = 338,
        SampleFormat = 339, JpegTables = 347, ImageDepth = 32997, MetaMorphPlanes = 33629;
}
