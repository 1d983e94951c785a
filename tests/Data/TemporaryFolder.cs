namespace CsUnet.Tests.Data;

/// <summary>A folder for one test, gone afterwards.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("csunet-test-").FullName;

    public string this[string name]
    {
        get
        {
            string file = System.IO.Path.Combine(Path, name);
            Directory.CreateDirectory(System.IO.Path.GetDirectoryName(file)!);
            return file;
        }
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
