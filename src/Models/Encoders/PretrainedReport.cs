using CsUnet.Tensors;

namespace CsUnet.Models.Encoders;

/// <summary>What <see cref="PretrainedWeights"/> loaded from a file. Names are those of the encoder, without the prefix.</summary>
/// <param name="Path">The file.</param>
/// <param name="Format">Its format, for example <c>PyTorch zip</c>.</param>
/// <param name="Prefix">The prefix of the encoder's names in the file; usually empty.</param>
/// <param name="Loaded">The encoder's names that were loaded.</param>
/// <param name="Skipped">The file's tensors of the classifier, which the encoder does not have.</param>
public sealed record PretrainedReport(
    string Path, string Format, string Prefix, IReadOnlyList<string> Loaded, IReadOnlyList<string> Skipped)
{
    /// <summary>The encoder's names that the file does not hold; empty after loading, which refuses such a file.</summary>
    public IReadOnlyList<string> Missing { get; init; } = [];

    /// <summary>The file's names that the encoder does not have; empty after loading.</summary>
    public IReadOnlyList<string> LeftOver { get; init; } = [];

    /// <summary>What differs in shape or element type, one text for each tensor; empty after loading.</summary>
    public IReadOnlyList<string> Unfit { get; init; } = [];

    /// <summary>Whether the encoder can be loaded from the file.</summary>
    public bool Fits => Missing.Count + LeftOver.Count + Unfit.Count == 0;

    /// <summary>For example <c>120 tensors loaded, 2 skipped (fc) of resnet50.pth (PyTorch zip)</c>.</summary>
    public override string ToString()
    {
        string heads = string.Join(", ", Skipped.Select(name => name[..name.LastIndexOf('.')]).Distinct());
        string skipped = Skipped.Count == 0 ? "none skipped" : $"{Skipped.Count} skipped ({heads})";
        return $"{ProblemText.Count(Loaded.Count, "tensor")} loaded, {skipped}, from {Path} ({Format})";
    }
}
