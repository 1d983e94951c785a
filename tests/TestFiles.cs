// The engine's threads are one pool, so parallel tests would only compete for them.
[assembly: CollectionBehavior(DisableTestParallelization = true)]

namespace CsUnet.Tests;

/// <summary>Locates the repository's files, and where tests put their own.</summary>
internal static class TestFiles
{
    /// <summary>The folder of golden cases, found by walking up from the test program.</summary>
    public static string Golden { get; } = FindGolden();

    /// <summary>Whether the slow tests run too.</summary>
    public static bool RunsAll => Environment.GetEnvironmentVariable("CSUNET_TEST_ALL") == "1";

    /// <summary>The checkout in which the program was built; null without one.</summary>
    public static string? Root { get; } = FindRoot();

    private static string? FindRoot()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "CsUnet.Engine.slnx")))
                return folder.FullName;
        }
        return null;
    }

    /// <summary>The checkout; without one the calling test is skipped with that reason.</summary>
    public static string RequireRoot()
    {
        Assert.SkipWhen(Root is null, "Skipped: the program does not run in a checkout, so there are no sources to look at");
        return Root;
    }

    private static string FindGolden()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            string golden = Path.Combine(folder.FullName, "tests", "Golden", "data");
            if (Directory.Exists(golden))
                return golden;
        }
        throw new DirectoryNotFoundException($"no folder above {AppContext.BaseDirectory} holds tests/Golden/data");
    }
}
