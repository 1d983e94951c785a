using System.Runtime.CompilerServices;
using CsUnet.Tests.Support;

namespace CsUnet.Tests.Gpu;

/// <summary>Runs before the first test.</summary>
internal static class TestProgram
{
    [ModuleInitializer]
    internal static void Prepare() => TuningFolder.NameNone();
}
