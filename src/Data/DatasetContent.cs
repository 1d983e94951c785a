using System.Security.Cryptography;
using System.Text;
using CsUnet.Tensors;

namespace CsUnet.Data;

/// <summary>
/// What a data set contains, independent of the folder in which it lies: the names and hashes of its images and masks, in the order of the
/// samples. Two sets with equal <see cref="Hash"/> give the same training.
/// </summary>
public sealed class DatasetContent
{
    private const int LargestList = 3;

    /// <summary>The content that consists of some files.</summary>
    /// <param name="files">The files, in the order of the samples.</param>
    public DatasetContent(IReadOnlyList<DatasetFile> files)
    {
        Files = files;
        Hash = HashOf(files.Select(file => $"{file.Name}\0{file.Hash}"));
    }

    /// <summary>The files, in the order of the samples.</summary>
    public IReadOnlyList<DatasetFile> Files { get; }

    /// <summary>SHA-256 over the names and hashes of all files, in hexadecimal digits.</summary>
    public string Hash { get; }

    /// <summary>The hash of several texts in their order, in hexadecimal digits.</summary>
    public static string HashOf(IEnumerable<string> texts) => Convert.ToHexStringLower(
        SHA256.HashData(Encoding.UTF8.GetBytes(string.Concat(texts.Select(text => $"{text.Length}:{text}\n")))));

    /// <summary>Reads and hashes files on all threads.</summary>
    /// <param name="directory">The folder of the data set.</param>
    /// <param name="paths">The files in it, in the order of the samples.</param>
    /// <exception cref="DataException">A file cannot be read.</exception>
    internal static DatasetContent OfFiles(string directory, IReadOnlyList<string> paths)
    {
        var files = new DatasetFile[paths.Count];
        var failures = new DataException?[paths.Count];
        Parallel.For(0, files.Length, new ParallelOptions { MaxDegreeOfParallelism = Math.Max(1, Workers.Count) }, i =>
        {
            try
            {
                using FileStream stream = new(paths[i], FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 20);
                string name = Path.GetRelativePath(directory, paths[i]).Replace(Path.DirectorySeparatorChar, '/');
                files[i] = new DatasetFile(FileNames.Composed(name), Convert.ToHexStringLower(SHA256.HashData(stream)));
            }
            catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
            {
                failures[i] = new DataException(paths[i], $"cannot be read: {failure.Message}", "a readable file", inner: failure);
            }
        });
        DataException[] found = [.. failures.OfType<DataException>()];
        return found.Length == 0 ? new DatasetContent(files) : throw DataException.Many(directory, found);
    }

    /// <summary>The content of samples that are no files.</summary>
    /// <param name="name">The set's name.</param>
    /// <param name="samples">The samples.</param>
    internal static DatasetContent OfSamples(string name, IEnumerable<Sample> samples) => new([.. samples.Select(sample =>
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (int size in new[] { sample.Image.Height, sample.Image.Width, sample.Image.Channels })
            hash.AppendData(BitConverter.GetBytes(size));
        hash.AppendData(sample.Image.Pixels);
        hash.AppendData(sample.Labels);
        return new DatasetFile($"{name}/{sample.Name}", Convert.ToHexStringLower(hash.GetHashAndReset()));
    })]);

    /// <summary>
    /// How other content differs from this one: <c>1 file changed (train/a.png), 2 files are missing (train/b.png, ...)</c>; null if it is
    /// the same.
    /// </summary>
    public string? Difference(DatasetContent other)
    {
        if (other.Hash == Hash)
            return null;
        Dictionary<string, string> then = ByName(Files), now = ByName(other.Files);
        string?[] parts =
        [
            List(then.Keys.Where(name => now.TryGetValue(name, out string? hash) && hash != then[name]), "changed", "changed"),
            List(then.Keys.Where(name => !now.ContainsKey(name)), "is missing", "are missing"),
            List(now.Keys.Where(name => !then.ContainsKey(name)), "is new", "are new"),
        ];
        return parts.All(part => part is null) ? "its files come in another order" : string.Join(", ", parts.OfType<string>());
    }

    private static Dictionary<string, string> ByName(IReadOnlyList<DatasetFile> files)
    {
        var hashes = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (DatasetFile file in files)
            hashes[file.Name] = file.Hash;
        return hashes;
    }

    private static string? List(IEnumerable<string> found, string one, string several)
    {
        string[] names = [.. found];
        string shown = string.Join(", ", names.Take(LargestList)) + (names.Length > LargestList ? ", ..." : "");
        return names.Length == 0 ? null : $"{ProblemText.Count(names.Length, "file")} {(names.Length == 1 ? one : several)} ({shown})";
    }
}
