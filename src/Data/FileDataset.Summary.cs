namespace CsUnet.Data;

internal sealed partial class FileDataset
{
    private readonly ImageSummary[] _images;
    private readonly MaskCounts _counts = new();

    /// <summary>What was counted while the files were checked: no second pass over them.</summary>
    private protected override SplitSummary Summarise() =>
        new(Path.GetFileName(Name), Name, ClassMap, _images, _counts);

    /// <summary>Keeps the summary of a file just read; called by several threads.</summary>
    private void Summarise(int index, Files files) => _images[index] =
        ImageSummary.Of(files.Pair.Image, files.Raw, files.Labels) with { PixelSize = PixelSize.Read(files.Pair.Image) };
}
