namespace CsUnet.Tests.Support;

/// <summary>A folder for one test, deleted with its contents.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("csunet-test-").FullName;

    /// <summary>The path of a file in the folder; creates the folders above it.</summary>
    public string File(string name)
    {
        string file = System.IO.Path.Combine(Path, name);
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(file)!);
        return file;
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
