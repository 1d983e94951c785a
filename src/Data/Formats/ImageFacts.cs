namespace CsUnet.Data.Formats;

/// <summary>Everything that a file says about its samples, before any is decoded. <see cref="SampleRules"/> decides from it.</summary>
internal sealed record ImageFacts
{
    /// <summary>The file.</summary>
    public required string Path { get; init; }

    /// <summary>Rows, as stored.</summary>
    public required int Height { get; init; }

    /// <summary>Columns, as stored.</summary>
    public required int Width { get; init; }

    /// <summary>Bits per sample.</summary>
    public required int Bits { get; init; }

    /// <summary>Type of a sample.</summary>
    public SampleKind Kind { get; init; }

    /// <summary>Meaning of the samples.</summary>
    public required ColourModel Model { get; init; }

    /// <summary>The name of the colours if <see cref="Model"/> is <see cref="ColourModel.Other"/>.</summary>
    public string ModelName { get; init; } = "";

    /// <summary>Samples per pixel: colours, then extra samples.</summary>
    public required int Samples { get; init; }

    /// <summary>What the alpha channel is.</summary>
    public AlphaKind Alpha { get; init; }

    /// <summary>Which sample of a pixel is alpha.</summary>
    public int AlphaSample { get; init; }

    /// <summary>The colours of <see cref="ColourModel.Palette"/>.</summary>
    public Palette? Palette { get; init; }

    /// <summary>How the stored picture is turned upright: 1 to 8 as in EXIF and TIFF.</summary>
    public int Orientation { get; init; } = 1;

    /// <summary>The name of a compression that changes samples; null if there is none.</summary>
    public string? Lossy { get; init; }

    /// <summary>What the file is if it holds several pictures, for example <c>a stack of 3 images</c>; otherwise null.</summary>
    public string? Several { get; init; }

    /// <summary>What a user should know about the choices made so far.</summary>
    public IReadOnlyList<string> Notices { get; init; } = [];

    /// <summary>Samples per pixel that are colours.</summary>
    public int ColourSamples => Model == ColourModel.Rgb ? 3 : 1;

    /// <summary>Whether samples exceed 16 bits without a sign.</summary>
    public bool IsWide => Kind != SampleKind.Unsigned || Bits > 16;

    /// <summary>Bytes of one decoded sample.</summary>
    public int SampleBytes => IsWide ? 4 : Bits > 8 ? 2 : 1;
}
