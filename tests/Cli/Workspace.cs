namespace CsUnet.Tests.Cli;

/// <summary>A temporary folder, deleted after the test.</summary>
internal sealed class Workspace : IDisposable
{
    public Workspace() => Root = Directory.CreateTempSubdirectory("csunet-cli-").FullName;

    public string Root { get; }

    public string this[string name] => Path.Combine(Root, name);

    /// <summary>Relative paths of all files below a folder, sorted.</summary>
    public IReadOnlyList<string> Files(string folder = "") => !Directory.Exists(this[folder]) ? [] :
        [.. Directory.EnumerateFiles(this[folder], "*", SearchOption.AllDirectories)
            .Select(file => Path.GetRelativePath(this[folder], file)).Order(StringComparer.Ordinal)];

    public string Write(string name, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(this[name])!);
        File.WriteAllText(this[name], text);
        return this[name];
    }

    public void Dispose() => Directory.Delete(Root, recursive: true);
}
