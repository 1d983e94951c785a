using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using CsUnet.Cuda.BasicTypes;
using CsUnet.Cuda.Native;

namespace CsUnet.Cuda;

/// <summary>Initialises the driver once and turns every failure status into a <see cref="CudaException"/>.</summary>
internal static unsafe class Driver
{
    private static readonly Lock s_lock = new();
    private static volatile bool s_initialized;

    /// <summary>Loads the driver and calls cuInit once.</summary>
    internal static void Initialize()
    {
        if (s_initialized)
            return;
        lock (s_lock)
        {
            if (s_initialized)
                return;
            CudaLibraries.Load(CudaLibrary.Driver);
            CUResult result = DriverNative.cuInit(0);
            Check(result, $"cuInit(flags=0) of {CudaLibraries.LoadedPath(CudaLibrary.Driver)}");
            s_initialized = true;
        }
    }

    /// <summary>Throws unless <paramref name="result"/> is success. The text is formatted only on failure.</summary>
    internal static void Check(CUResult result, [InterpolatedStringHandlerArgument(nameof(result))] ref CallText call)
    {
        if (result != CUResult.Success)
            throw Failure(result, call.ToStringAndClear());
    }

    /// <summary>The exception for a failed call, with the known causes.</summary>
    internal static CudaException Failure(CUResult result, string call)
    {
        string details = Describe(result);
        if (Remedy(result) is { } remedy)
            details += $". {remedy}";
        if (IsDeviceFault(result) && ContextState.Current is { } context)
        {
            details += context.History.Report();
            context.FaultReported = true;
            if (CudaEmulator.IsAvailable && CudaEmulator.GetLastFailure() is { Length: > 0 } failure)
                details += $"\n{failure.TrimEnd()}";
        }
        return new CudaException(result, call, details);
    }

    /// <summary>The driver's name and text for a status.</summary>
    internal static string Describe(CUResult result)
    {
        if (CudaLibraries.LoadedPath(CudaLibrary.Driver) is null)
            return $"{result} ({(int)result})";
        byte* name = null, text = null;
        if (DriverNative.cuGetErrorName(result, &name) != CUResult.Success || name == null)
            return $"unknown status {(int)result}";
        if (DriverNative.cuGetErrorString(result, &text) != CUResult.Success || text == null)
            return $"{Marshal.PtrToStringUTF8((nint)name)} ({(int)result})";
        return $"{Marshal.PtrToStringUTF8((nint)name)} ({(int)result}), {Marshal.PtrToStringUTF8((nint)text)}";
    }

    /// <summary>Whether a status reports a kernel's fault. A later call reports it, and the context is then lost.</summary>
    internal static bool IsDeviceFault(CUResult result) => result is CUResult.ErrorIllegalAddress or CUResult.ErrorLaunchTimeout
        or CUResult.ErrorAssert or CUResult.ErrorHardwareStackError or CUResult.ErrorIllegalInstruction
        or CUResult.ErrorMisalignedAddress or CUResult.ErrorInvalidAddressSpace or CUResult.ErrorInvalidPc
        or CUResult.ErrorLaunchFailed or CUResult.ErrorECCUncorrectable or CUResult.ErrorUnknown;

    private static string? Remedy(CUResult result) => result switch
    {
        CUResult.ErrorInvalidContext => "No CUDA context is current on this thread: call SetCurrent() of the context on every thread " +
            "that uses it",
        CUResult.ErrorOutOfMemory => MemoryState(),
        CUResult.ErrorNoDevice => "The driver found no GPU (or CUDA_VISIBLE_DEVICES hides it)",
        CUResult.ErrorNoBinaryForGPU or CUResult.UnsupportedPTXVersion =>
            "The code was compiled for another device, or by an NVRTC newer than the driver: update the driver, or name an older " +
            "NVRTC in CSUNET_NVRTC_LIBRARY",
        CUResult.ErrorLaunchOutOfResources => "The block needs more registers, threads or shared memory than a multiprocessor has",
        CUResult.ErrorSystemDriverMismatch => "The driver was updated while running: restart the machine",
        CUResult.ErrorStreamCaptureUnsupported or CUResult.ErrorStreamCaptureImplicit =>
            "A stream is being captured: no allocation, synchronisation or work on the default stream is allowed until EndCapture()",
        _ => null,
    };

    private static string? MemoryState()
    {
        nuint free = 0, total = 0;
        return DriverNative.cuMemGetInfo(&free, &total) == CUResult.Success
            ? $"{free / 1048576} of {total / 1048576} MiB are free on the device: use a smaller batch or image size" : null;
    }
}
