using System.Runtime.InteropServices;
using CsUnet.Cuda.Native;

namespace CsUnet.Cuda;

/// <summary>
/// The emulator's controls and reports, which a driver does not have. Call <see cref="CudaLibraries.UseEmulator"/> first. Members may be
/// called from any thread.
/// </summary>
/// <exception cref="InvalidOperationException">From every member: the loaded driver is not the emulator.</exception>
/// <exception cref="CudaLibraryException">From every member: the emulator cannot be loaded.</exception>
public static unsafe class CudaEmulator
{
    /// <summary>Whether the loaded driver is the emulator, with these functions.</summary>
    public static bool IsAvailable => CudaLibraries.IsEmulated && CudaLibraries.TryLoad(CudaLibrary.Driver, out _)
        && NativeLibrary.TryGetExport(CudaLibraries.Load(CudaLibrary.Driver), nameof(EmulatorNative.csunet_emulator_report), out _);

    /// <summary>
    /// Number of distinct findings (races, unwritten reads, out-of-bounds accesses, ...) since the last <see cref="ClearReport"/>.
    /// </summary>
    public static int FindingCount
    {
        get
        {
            Require();
            return EmulatorNative.csunet_emulator_finding_count();
        }
    }

    /// <summary>Number of device and page-locked buffers that are allocated now.</summary>
    public static int LeakCount
    {
        get
        {
            Require();
            return EmulatorNative.csunet_emulator_leak_count();
        }
    }

    /// <summary>Sets the mode of modules that are loaded from now on.</summary>
    public static void SetMode(CudaEmulatorMode mode)
    {
        Require();
        string name = mode switch
        {
            CudaEmulatorMode.Plain => "plain",
            CudaEmulatorMode.Orders => "orders",
            _ => "hook",
        };
        if (EmulatorNative.csunet_emulator_set_mode(name) != 0)
            throw new ArgumentException($"CudaEmulator.SetMode: this emulator has no mode {name}.");
    }

    /// <summary>Sets the order in which the threads of a block run.</summary>
    /// <param name="order">0 forward, 1 backward, 2 shuffled warps, 3 shuffled lanes.</param>
    /// <param name="seed">Seed of the shuffles.</param>
    public static void SetOrder(int order, ulong seed = 0)
    {
        Require();
        if (EmulatorNative.csunet_emulator_set_order(order, seed) != 0)
            throw new ArgumentOutOfRangeException(nameof(order), $"CudaEmulator.SetOrder: order is {order}, expected 0 to 3.");
    }

    /// <summary>Sets the number of CPU threads that run blocks; 0 for one per core.</summary>
    public static void SetWorkers(int workers)
    {
        Require();
        EmulatorNative.csunet_emulator_set_workers(workers);
    }

    /// <summary>
    /// In <see cref="CudaEmulatorMode.Hook"/>, runs only a sample of a launch's blocks, spread evenly over its grid, and scales the profile
    /// to the whole grid. That is exact if blocks are alike. The results of such launches are incomplete; use this for counting only.
    /// Memory allocated meanwhile is address space until it is first touched, and races and reads of unwritten memory are not reported.
    /// </summary>
    /// <param name="blocks">Blocks to run per launch; 0 for all.</param>
    public static void SetSample(int blocks)
    {
        Require();
        ArgumentOutOfRangeException.ThrowIfNegative(blocks);
        EmulatorNative.csunet_emulator_set_sample(blocks);
    }

    /// <summary>
    /// While <see cref="SetSample"/> is active, does not run a launch with the same kernel, grid, block, numbers and pointer alignment as
    /// an earlier one since <see cref="ClearProfile"/>, but repeats its counts. That is exact unless the kernel's addresses depend on the
    /// contents of memory.
    /// </summary>
    public static void SetCountOnce(bool once)
    {
        Require();
        EmulatorNative.csunet_emulator_set_count_once(once ? 1 : 0);
    }

    /// <summary>Sets the timeout of a launch in milliseconds.</summary>
    public static void SetWatchdog(int milliseconds)
    {
        Require();
        EmulatorNative.csunet_emulator_set_watchdog_ms(milliseconds);
    }

    /// <summary>Sets whether a finding fails the launch.</summary>
    public static void SetStrict(bool strict)
    {
        Require();
        EmulatorNative.csunet_emulator_set_strict(strict ? 1 : 0);
    }

    /// <summary>Sets the memory size of the emulated device.</summary>
    public static void SetMemory(ulong bytes)
    {
        Require();
        EmulatorNative.csunet_emulator_set_memory_bytes(bytes);
    }

    /// <summary>Sets the compute capability of the emulated device, as in <c>sm_80</c>: 80.</summary>
    public static void SetArchitecture(int architecture)
    {
        Require();
        if (EmulatorNative.csunet_emulator_set_architecture(architecture) != 0)
            throw new ArgumentOutOfRangeException(nameof(architecture),
                $"CudaEmulator.SetArchitecture: sm_{architecture} is not one that the emulator knows.");
    }

    /// <summary>Sets the number of multiprocessors, from which launches choose their grids. Call it before using the device.</summary>
    /// <param name="count">From 1 to 1024.</param>
    public static void SetMultiprocessors(int count)
    {
        Require();
        if (EmulatorNative.csunet_emulator_set_multiprocessors(count) != 0)
            throw new ArgumentOutOfRangeException(nameof(count), $"CudaEmulator.SetMultiprocessors: {count}, expected 1 to 1024.");
    }

    /// <summary>All findings since the last <see cref="ClearReport"/>.</summary>
    public static string GetReport() => Text(&EmulatorNative.csunet_emulator_report);

    /// <summary>The report of <see cref="GetReport"/> as JSON.</summary>
    public static string GetReportJson() => Text(&EmulatorNative.csunet_emulator_report_json);

    /// <summary>Why the last launch failed, with kernel, block, thread and line; empty if it did not.</summary>
    public static string GetLastFailure() => Text(&EmulatorNative.csunet_emulator_last_failure);

    /// <summary>Clears all findings.</summary>
    public static void ClearReport()
    {
        Require();
        EmulatorNative.csunet_emulator_clear_report();
    }

    /// <summary>
    /// Requests, bytes, sectors, wavefronts and matrix instructions per kernel and source line, in <see cref="CudaEmulatorMode.Hook"/>, as
    /// CSV.
    /// </summary>
    public static string GetProfileCsv() => Text(&EmulatorNative.csunet_emulator_profile_csv);

    /// <summary>The profile of <see cref="GetProfileCsv"/> as JSON.</summary>
    public static string GetProfileJson() => Text(&EmulatorNative.csunet_emulator_profile_json);

    /// <summary>
    /// Sectors and wavefronts, each with its ideal, and matrix instructions of every launch since the last <see cref="ClearProfile"/>, in
    /// order, as CSV: <see cref="CudaEmulatorMode.Hook"/>.
    /// </summary>
    public static string GetLaunchesCsv() => Text(&EmulatorNative.csunet_emulator_launches_csv);

    /// <summary>Clears the counts of the profile.</summary>
    public static void ClearProfile()
    {
        Require();
        EmulatorNative.csunet_emulator_clear_profile();
    }

    /// <summary>The buffers that are allocated now.</summary>
    public static string GetLeaks() => Text(&EmulatorNative.csunet_emulator_leaks);

    private static string Text(delegate*<byte*> function)
    {
        Require();
        return Marshal.PtrToStringUTF8((nint)function()) ?? "";
    }

    private static void Require()
    {
        if (CudaLibraries.IsEmulated)
            CudaLibraries.Load(CudaLibrary.Driver); // says why, if it cannot be loaded
        if (!IsAvailable)
        {
            throw new InvalidOperationException($"CudaEmulator: the driver is " +
                $"{CudaLibraries.LoadedPath(CudaLibrary.Driver) ?? "not loaded"}, not the emulator. " +
                "Call CudaLibraries.UseEmulator first.");
        }
    }
}
