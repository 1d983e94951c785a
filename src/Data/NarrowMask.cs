namespace CsUnet.Data;

/// <summary>
/// Masks of fewer than 8 bits per sample. Some programs store the labels 0, 1, 2, ... so; others shorten an 8-bit mask of 0 and 255 to one
/// bit. The class map tells which: the samples stand for themselves if it lists all that occur, else for their share of 255.
/// </summary>
internal static class NarrowMask
{
    /// <summary>The mask with 8 bits; masks of 8 bits and more are returned as they are.</summary>
    /// <param name="mask">Any mask.</param>
    /// <param name="labelOfValue">The label of each value.</param>
    /// <param name="unlisted">The label of a value that no class lists.</param>
    /// <param name="undecided">What is wrong if both meanings fit and differ; otherwise null.</param>
    public static MaskImage Widen(MaskImage mask, int[] labelOfValue, int unlisted, out string? undecided)
    {
        undecided = null;
        if (mask.Bits >= 8)
            return mask;
        int largest = (1 << mask.Bits) - 1;
        int Share(int value) => (510 * value + largest) / (2 * largest); // round(255 value / largest)
        bool fitsStored = mask.Channels == 1, fitsShare = fitsStored;
        int different = -1;
        foreach (ushort value in mask.Samples.Distinct())
        {
            (int stored, int share) = (labelOfValue[value], labelOfValue[Share(value)]);
            fitsStored &= stored != unlisted;
            fitsShare &= share != unlisted;
            if (stored != share)
                different = value;
        }
        if (fitsStored && fitsShare && different >= 0)
            undecided = $"{mask.Bits}-bit sample {different}, which may stand for {different} or {Share(different)}: both are listed, so "
                + "save the mask with 8 bits";
        return fitsStored
            ? mask with { Bits = 8 }
            : mask with { Bits = 8, Samples = Array.ConvertAll(mask.Samples, value => (ushort)Share(value)) };
    }
}
