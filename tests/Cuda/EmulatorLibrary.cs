using CsUnet.Cuda;

namespace CsUnet.Tests.Cuda;

/// <summary>The emulator's library, built on first use; null if g++ is missing.</summary>
internal static class EmulatorLibrary
{
    private static readonly Lazy<string?> s_path = new(Find);

    internal const string Missing = "Skipped: the emulator is not built (it needs g++ and the folder emulator/)";

    internal static string? Path => s_path.Value;

    private static string? Find()
    {
        try
        {
            return EmulatorBuild.Library;
        }
        catch (CudaException failure) when (failure.Message.Contains("g++' was not found", StringComparison.Ordinal))
        {
            return null;
        }
    }
}
