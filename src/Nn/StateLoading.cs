using System.IO.Enumeration;

namespace CsUnet.Nn;

/// <summary>
/// Selects the tensors of a file that <see cref="StateDict.Load(Module, Tensors.SafetensorsFile, StateLoading?)"/> loads, and the
/// differences that it refuses.
/// </summary>
/// <example><code>
/// // The encoder of a network from a classifier's file, whose last layer has no counterpart:
/// StateDict.Load(encoder, file, new StateLoading { Ignored = ["fc.*"] });
/// // A part of a larger network's file:
/// StateDict.Load(encoder, file, new StateLoading { Prefix = "encoder." });
/// </code></example>
public sealed record StateLoading
{
    // Counts batches for a form of momentum that no network here uses.
    private const string BatchCounter = "*num_batches_tracked";

    /// <summary>
    /// The prefix of the file's names before the module's names, such as <c>encoder.</c>. Tensors without it belong to other modules and
    /// are ignored. Empty: the names are the module's.
    /// </summary>
    public string Prefix { get; init; } = "";

    /// <summary>
    /// Names in the file, after the prefix, that may have no counterpart; <c>*</c> matches any characters, <c>?</c> matches one. Batch
    /// norm's counters (<c>num_batches_tracked</c>) are always ignored.
    /// </summary>
    public IReadOnlyList<string> Ignored { get; init; } = [];

    /// <summary>Whether missing and left-over tensors are an error; otherwise they are only reported.</summary>
    public bool IsStrict { get; init; } = true;

    internal bool Ignores(string name) => Ignored.Append(BatchCounter).Any(pattern =>
        FileSystemName.MatchesSimpleExpression(pattern, name, ignoreCase: false));
}
