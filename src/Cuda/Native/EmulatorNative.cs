using System.Runtime.InteropServices;

namespace CsUnet.Cuda.Native;

/// <summary>
/// The emulator's own functions, which a driver does not have. A returned text is valid until the thread's next call of the same kind.
/// </summary>
internal static unsafe partial class EmulatorNative
{
    private const string Library = CudaLibraries.DriverName;

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int csunet_emulator_set_mode(string name);

    [LibraryImport(Library)]
    internal static partial int csunet_emulator_set_order(int order, ulong seed);

    [LibraryImport(Library)]
    internal static partial void csunet_emulator_set_workers(int workers);

    [LibraryImport(Library)]
    internal static partial void csunet_emulator_set_sample(int blocks);

    [LibraryImport(Library)]
    internal static partial void csunet_emulator_set_count_once(int once);

    [LibraryImport(Library)]
    internal static partial void csunet_emulator_set_watchdog_ms(int milliseconds);

    [LibraryImport(Library)]
    internal static partial void csunet_emulator_set_strict(int strict);

    [LibraryImport(Library)]
    internal static partial void csunet_emulator_set_memory_bytes(ulong bytes);

    [LibraryImport(Library)]
    internal static partial int csunet_emulator_set_architecture(int architecture);

    [LibraryImport(Library)]
    internal static partial int csunet_emulator_set_multiprocessors(int count);

    [LibraryImport(Library)]
    internal static partial int csunet_emulator_finding_count();

    [LibraryImport(Library)]
    internal static partial byte* csunet_emulator_report();

    [LibraryImport(Library)]
    internal static partial byte* csunet_emulator_report_json();

    [LibraryImport(Library)]
    internal static partial byte* csunet_emulator_last_failure();

    [LibraryImport(Library)]
    internal static partial void csunet_emulator_clear_report();

    [LibraryImport(Library)]
    internal static partial byte* csunet_emulator_profile_csv();

    [LibraryImport(Library)]
    internal static partial byte* csunet_emulator_profile_json();

    [LibraryImport(Library)]
    internal static partial byte* csunet_emulator_launches_csv();

    [LibraryImport(Library)]
    internal static partial void csunet_emulator_clear_profile();

    [LibraryImport(Library)]
    internal static partial int csunet_emulator_leak_count();

    [LibraryImport(Library)]
    internal static partial byte* csunet_emulator_leaks();
}
