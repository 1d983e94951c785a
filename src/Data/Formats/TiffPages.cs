using System.Globalization;
using System.Text.RegularExpressions;

namespace CsUnet.Data.Formats;

/// <summary>
/// Which directory of a TIFF file is its picture. Directories marked as reduced copies (thumbnails, levels of a pyramid) or transparency
/// masks, and sub-directories, belong to a picture; so do unmarked levels of a tiled pyramid. Any other second directory is a second
/// picture, whatever its size: the file is then a stack.
/// </summary>
internal sealed partial class TiffPages
{
    private const long ReducedBit = 1, MaskBit = 4;
    private const int TransparencyMask = 4;

    private readonly ByteSource _source;
    private readonly TiffLayout _layout;

    private TiffPages(ByteSource source, TiffLayout layout, List<string> notices)
    {
        (_source, _layout) = (source, layout);
        List<TiffDirectory> chain = Chain();
        if (chain.Any(IsMask))
            notices.Add("a page of the TIFF file is a transparency mask: it is not applied");
        List<TiffDirectory> pictures = [.. chain.Where(page => !IsReduced(page) && !IsMask(page))];
        if (pictures.Count == 0)
            pictures = [.. chain.SelectMany(Inner).Where(page => !IsReduced(page) && !IsMask(page))];
        if (pictures.Count == 0 && chain.Count == 1)
            pictures = chain; // the only page is the picture, whatever its mark says
        Picture = pictures.Count > 0 ? pictures[0] : chain[0];
        if (pictures.Count == 0)
            Several = $"a set of {chain.Count} reduced copies without the picture";
        else if (pictures.Count > 1 && !IsPyramid(pictures))
            Several = $"a stack of {pictures.Count} images";
        else if (Inner(Picture).Any(page => !IsReduced(page) && Area(page) > Area(Picture)))
            Several = "a small picture with a larger one in a sub-directory";
        else
            Several = Contiguous(Picture, chain.Count, notices);
    }

    /// <summary>The directory of the picture.</summary>
    public TiffDirectory Picture { get; }

    /// <summary>What the file is if it holds several pictures; otherwise null.</summary>
    public string? Several { get; }

    public static TiffPages Read(ByteSource source, TiffLayout layout, List<string> notices) => new(source, layout, notices);

    private List<TiffDirectory> Chain()
    {
        var chain = new List<TiffDirectory>();
        var seen = new HashSet<long>();
        // Some writers close the chain in a circle.
        for (long offset = _layout.FirstDirectory; (chain.Count == 0 || offset != 0) && seen.Add(offset); offset = chain[^1].Next)
            chain.Add(TiffDirectory.Read(_source, _layout, offset)
                ?? throw ImageProblem.Damaged(_source.Path, $"directory {chain.Count + 1} at byte {offset} lies outside the file"));
        return chain;
    }

    private List<TiffDirectory> Inner(TiffDirectory page)
    {
        long[] offsets = page.Count(TiffTag.SubIfds) is > 0 and <= 1024 ? page.Numbers(TiffTag.SubIfds) : [];
        return [.. offsets.Select(offset => TiffDirectory.Read(_source, _layout, offset)).OfType<TiffDirectory>()];
    }

    private static bool IsReduced(TiffDirectory page) => page.Has(TiffTag.NewSubfileType)
        ? (page.Number(TiffTag.NewSubfileType, 0) & ReducedBit) != 0
        : page.Number(TiffTag.SubfileType, 0) == 2;

    private static bool IsMask(TiffDirectory page) =>
        (page.Number(TiffTag.NewSubfileType, 0) & MaskBit) != 0 || page.Number(TiffTag.Photometric, 0) == TransparencyMask;

    private static long Area(TiffDirectory page) => Math.Min(Height(page), uint.MaxValue) * Math.Min(Width(page), int.MaxValue);

    private static long Height(TiffDirectory page) => page.Number(TiffTag.ImageLength, 0);

    private static long Width(TiffDirectory page) => page.Number(TiffTag.ImageWidth, 0);

    private static bool IsPyramid(List<TiffDirectory> pages)
    {
        static bool IsPart(long small, long large, int divisor) => small == large / divisor || small == (large + divisor - 1) / divisor;
        for (int i = 1; i < pages.Count; i++)
        {
            (TiffDirectory large, TiffDirectory small) = (pages[i - 1], pages[i]);
            bool isLevel = new[] { 2, 4 }.Any(divisor =>
                IsPart(Height(small), Height(large), divisor) && IsPart(Width(small), Width(large), divisor));
            if (!isLevel || !large.IsTiled || !small.IsTiled)
                return false;
        }
        return true;
    }

    /// <summary>Several pictures in one directory: the data of ImageJ's and MetaMorph's stacks follow one another.</summary>
    private string? Contiguous(TiffDirectory page, int pages, List<string> notices)
    {
        if (page.Count(TiffTag.MetaMorphPlanes) > 1)
            return $"a stack of {page.Count(TiffTag.MetaMorphPlanes)} images (MetaMorph)";
        if (page.Number(TiffTag.ImageDepth, 1) > 1)
            return $"a volume of {page.Number(TiffTag.ImageDepth, 1)} planes";
        Match match = ImageJ().Match(page.Text(TiffTag.ImageDescription));
        if (pages > 1 || !match.Success || !long.TryParse(match.Groups["images"].Value, CultureInfo.InvariantCulture, out long images)
            || images < 2)
            return null;
        // Other programs keep ImageJ's text when they save one picture of a stack.
        long[] counts = page.Numbers(TiffTag.StripByteCounts), offsets = page.Numbers(TiffTag.StripOffsets);
        bool isRaw = page.Number(TiffTag.Compression, 1) == 1 && offsets.Length > 0;
        if (isRaw && _source.Length - offsets[0] >= 2 * counts.Sum())
            return $"a stack of {images} images (ImageJ)";
        notices.Add($"the description by ImageJ speaks of {images} images, the file holds the data of one: it is read");
        return null;
    }

    [GeneratedRegex(@"\AImageJ=[^\n]*\n(?:[^\n]*\n)*?images=(?<images>[0-9]+)\s*(?:\n|\z)")]
    private static partial Regex ImageJ();
}
