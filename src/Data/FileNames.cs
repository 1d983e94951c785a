using CsUnet.Cuda;

namespace CsUnet.Data;

/// <summary>
/// Names of files, compared in Unicode's composed form. Some systems store <c>ü</c> as one character and some as <c>u</c> with a mark;
/// names that look alike are the same name.
/// </summary>
public static class FileNames
{
    /// <summary>The composed form of a name.</summary>
    /// <exception cref="DataException">The name has letters beyond ASCII, and the image library, which has the tables, is missing.
    /// </exception>
    public static string Composed(string name)
    {
        try
        {
            return ComposedText.Of(name);
        }
        catch (Exception failure) when (failure is DllNotFoundException or EntryPointNotFoundException)
        {
            throw new DataException(name, "the image library libvips cannot be loaded", "its native library beside the program",
                "rebuild for this system (linux-x64 or win-x64)", failure);
        }
    }

    /// <summary>The image files of a folder by the composed form of their names without the extension.</summary>
    internal static ILookup<string, string> ByStem(string folder) => Directory.EnumerateFiles(folder)
        .Where(ImageFile.IsImageName)
        .Order(StringComparer.Ordinal)
        .ToLookup(file => Composed(Path.GetFileNameWithoutExtension(file)));

    /// <summary>What to do about files that have one name; null if their paths show the difference.</summary>
    internal static string? Hint(IReadOnlyList<string> files) =>
        files.Select(Composed).Distinct(StringComparer.Ordinal).Count() == files.Count ? null
        : "the names look alike, but one stores a letter and its accent as one character, the other as two: rename or remove one";
}
