using CsUnet.Tensors;

namespace CsUnet.Data;

/// <summary>
/// Subsets of the training images: the paper's few-shot protocols, and lists of the user's own.
/// </summary>
public static class Subsets
{
    /// <summary>Names and images (file names without extension) of the built-in protocols.</summary>
    public static IReadOnlyDictionary<string, IReadOnlyList<string>> BuiltIn { get; } = new Dictionary<string, IReadOnlyList<string>>
    {
        ["super2"] = ["spot6_0d_2", "spot6_180d_7", "spot7_0d_5", "spot7_180d_3"],
        ["super3"] = ["spot7_180d_3"],
        ["ebc-one-shot"] = ["111418#4_1426_100Cyc0032"],
    };

    /// <summary>Parses an argument: a built-in protocol, a text file with one name per line, or names separated by
    /// commas.</summary>
    /// <returns>File names without extension.</returns>
    /// <exception cref="DataException">The file cannot be read, or the list is empty.</exception>
    public static IReadOnlyList<string> Resolve(string argument)
    {
        if (BuiltIn.TryGetValue(argument, out IReadOnlyList<string>? names))
            return names;
        string text = !File.Exists(argument) ? argument : ReadFile.Parse(argument, "not a list of names",
            () => ReadFile.Text(argument).ReplaceLineEndings(","), problem => new DataException(
                problem.Place, problem.Problem, problem.Expected ?? "a text file with one image name per line", problem.Remedy,
                problem.Cause));
        string[] parts = text.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        return parts.Length > 0 ? parts
            : throw new DataException(argument, "the subset is empty",
                $"{string.Join(", ", BuiltIn.Keys)}, image names separated by commas, or a file of them");
    }
}
