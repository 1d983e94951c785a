using System.Text.RegularExpressions;

namespace CsUnet.Tests;

/// <summary>The blocks of code of CONTRIBUTING.md that a comment above them marks.</summary>
internal static partial class Contributing
{
    /// <summary>The checkout.</summary>
    public static string Root { get; } = Path.GetFullPath(Path.Combine(TestFiles.Golden, "..", "..", ".."));

    private static string Text => File.ReadAllText(Path.Combine(Root, "CONTRIBUTING.md"));

    /// <summary>The blocks below <c>&lt;!-- file: NAME --&gt;</c>, in order: a file's text, or what a diff adds to it.</summary>
    public static IReadOnlyList<(string File, string Text)> Files() =>
        [.. Marked().Where(block => block.Marker.StartsWith("file: ", StringComparison.Ordinal))
            .Select(block => (block.Marker[6..], block.Code))];

    private static IEnumerable<(string Marker, string Code)> Marked() =>
        Block().Matches(Text).Select(match => (match.Groups["marker"].Value, match.Groups["code"].Value));

    [GeneratedRegex(@"^<!-- (?<marker>.+) -->\n```\w+\n(?<code>(.*\n)*?)```$", RegexOptions.Multiline)]
    private static partial Regex Block();
}
