using CsUnet.Cuda;
using CsUnet.Tests.Support;

namespace CsUnet.Tests.Cuda;

/// <summary>The emulator's sources embedded in the assembly, for programs without a checkout.</summary>
public sealed class EmulatorSourcesTests
{
    [Fact]
    public void The_assembly_carries_the_sources_of_the_checkout()
    {
        string checkout = Path.GetFullPath(Path.Combine(TestFiles.Golden, "..", "..", "..", "emulator"));
        using var folder = new TemporaryFolder();
        EmulatorBuild.Extract(folder.Path);
        string tests = $"test{Path.DirectorySeparatorChar}";
        string[] expected = [.. Files(checkout).Where(file => !file.StartsWith(tests, StringComparison.Ordinal))];
        Assert.Equal(expected, Files(folder.Path));
        foreach (string file in expected)
            Assert.Equal(File.ReadAllBytes(Path.Combine(checkout, file)), File.ReadAllBytes(Path.Combine(folder.Path, file)));
    }

    private static string[] Files(string folder) =>
    [
        .. Directory.GetFiles(folder, "*", SearchOption.AllDirectories).Select(file => Path.GetRelativePath(folder, file))
            .Order(StringComparer.Ordinal),
    ];
}
