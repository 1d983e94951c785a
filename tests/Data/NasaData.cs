using System.Runtime.CompilerServices;

namespace CsUnet.Tests.Data;

/// <summary>The folder of NASA's images: CSUNET_DATA, or shared/data beside the repository.</summary>
internal static class NasaData
{
    public static string Folder(string set, [CallerFilePath] string source = "")
    {
        string? root = Path.GetDirectoryName(Path.GetDirectoryName(Path.GetDirectoryName(source)));
        string folder = Environment.GetEnvironmentVariable("CSUNET_DATA") ?? Path.Combine(root ?? ".", "..", "shared", "data");
        string path = Path.Combine(folder, set);
        Assert.SkipUnless(Directory.Exists(path), $"no data: {path} is missing; set CSUNET_DATA to the folder that holds {set}");
        return path;
    }
}
