using System.Collections.Concurrent;
using CsUnet.Tensors;

namespace CsUnet.Data;

internal sealed partial class FileDataset
{
    // A file is read again for each sample of a large set, and is counted once.
    private readonly ConcurrentDictionary<(string Notice, string Path), bool> _notices = [];

    public override IReadOnlyList<string> Notices => [.. _notices.Keys
        .GroupBy(entry => entry.Notice, entry => entry.Path, StringComparer.Ordinal)
        .OrderBy(files => files.Key, StringComparer.Ordinal)
        .Select(files => $"{files.Key} ({ProblemText.Count(files.Count(), "file")}, first {files.Min(StringComparer.Ordinal)})")];

    private void Note(Pair pair, IReadOnlyList<string>? image, IReadOnlyList<string>? mask)
    {
        foreach (string notice in image ?? [])
            _notices[(notice, pair.Image)] = true;
        foreach (string notice in mask ?? [])
            _notices[(notice, pair.Mask)] = true;
    }
}
