using System.IO.Enumeration;

namespace CsUnet.Nn;

/// <summary>
/// Which tensors of a file <see cref="StateDict.Load(Module, Tensors.SafetensorsFile, StateLoading?)"/> takes, and what it refuses.
/// </summary>
/// <example><code>
/// // The encoder of a network from a classifier's file, whose last layer has no counterpart:
/// StateDict.Load(encoder, file, new StateLoading { Ignored = ["fc.*"] });
/// // A part of a larger network's file:
/// StateDict.Load(encoder, file, new StateLoading { Prefix = "encoder." });
/// </code></example>
public sealed record StateLoading
{
    // Counts batches for a momentum that no network here uses.
    private const string BatchCounter = "*num_batches_tracked";

    /// <summary>
    /// What the file's names have before the module's, such as <c>encoder.</c>; other tensors of the file belong to other modules and are
    /// passed over. Empty: the names are the module's.
    /// </summary>
    public string Prefix { get; init; } = "";

    /// <summary>
    /// Names of the file that may have no counterpart, after the prefix; <c>*</c> stands for any characters, <c>?</c> for one. Batch norm's
    /// counters (<c>num_batches_tracked</c>) are always ignored.
    /// </summary>
    public IReadOnlyList<string> Ignored { get; init; } = [];

    /// <summary>Whether missing tensors, and those left over, are an error; else they are only reported.</summary>
    public bool IsStrict { get; init; } = true;

    internal bool Ignores(string name) => Ignored.Append(BatchCounter).Any(pattern =>
        FileSystemName.MatchesSimpleExpression(pattern, name, ignoreCase: false));
}
