namespace CsUnet.Data.Formats;

/// <summary>What the samples of a pixel stand for.</summary>
internal enum ColourModel
{
    /// <summary>One sample, 0 is black.</summary>
    Grey,

    /// <summary>One sample, 0 is white.</summary>
    WhiteIsZero,

    /// <summary>One sample, an index into a table of colours.</summary>
    Palette,

    /// <summary>Red, green, blue.</summary>
    Rgb,

    /// <summary>Something that is neither grey nor RGB, such as CMYK.</summary>
    Other,
}
