namespace CsUnet.Cuda.BasicTypes;

/// <summary>
/// The status that every driver call returns, in ManagedCuda's spelling. Newer drivers may return numbers that are not listed
/// here.
/// </summary>
public enum CUResult
{
    /// <summary>The call succeeded; for a query: the work is done.</summary>
    Success = 0,

    /// <summary>An argument is out of range.</summary>
    ErrorInvalidValue = 1,

    /// <summary>Not enough memory.</summary>
    ErrorOutOfMemory = 2,

    /// <summary>cuInit has not been called.</summary>
    ErrorNotInitialized = 3,

    /// <summary>The driver is shutting down.</summary>
    ErrorDeinitialized = 4,

    /// <summary>The loaded driver is a stub that only serves for linking.</summary>
    ErrorStubLibrary = 34,

    /// <summary>The device is busy or reserved for another process.</summary>
    ErrorDeviceUnavailable = 46,

    /// <summary>There is no CUDA device.</summary>
    ErrorNoDevice = 100,

    /// <summary>The device number is out of range.</summary>
    ErrorInvalidDevice = 101,

    /// <summary>The device has no licence.</summary>
    DeviceNotLicensed = 102,

    /// <summary>The module image is invalid or damaged.</summary>
    ErrorInvalidImage = 200,

    /// <summary>No valid context is current on this thread.</summary>
    ErrorInvalidContext = 201,

    /// <summary>The image holds no code for this device.</summary>
    ErrorNoBinaryForGPU = 209,

    /// <summary>A memory error that ECC could not correct.</summary>
    ErrorECCUncorrectable = 214,

    /// <summary>The PTX does not compile.</summary>
    ErrorInvalidPtx = 218,

    /// <summary>The PTX compiler library was not found.</summary>
    JITCompilerNotFound = 221,

    /// <summary>The PTX is newer than the driver.</summary>
    UnsupportedPTXVersion = 222,

    /// <summary>The kernel source is invalid.</summary>
    ErrorInvalidSource = 300,

    /// <summary>A file was not found.</summary>
    ErrorFileNotFound = 301,

    /// <summary>A call of the operating system failed.</summary>
    ErrorOperatingSystem = 304,

    /// <summary>A handle is not valid, or no longer valid.</summary>
    ErrorInvalidHandle = 400,

    /// <summary>A resource is in the wrong state for this call.</summary>
    ErrorIllegalState = 401,

    /// <summary>A name was not found, such as a kernel in its module.</summary>
    ErrorNotFound = 500,

    /// <summary>Enqueued work is still running; not an error.</summary>
    ErrorNotReady = 600,

    /// <summary>A kernel accessed an illegal address. The context is lost.</summary>
    ErrorIllegalAddress = 700,

    /// <summary>The launch needs more registers, threads or shared memory than the device has.</summary>
    ErrorLaunchOutOfResources = 701,

    /// <summary>A kernel ran too long. The context is lost.</summary>
    ErrorLaunchTimeout = 702,

    /// <summary>The primary context is already active.</summary>
    ErrorPrimaryContextActive = 708,

    /// <summary>The context has been destroyed.</summary>
    ErrorContextIsDestroyed = 709,

    /// <summary>An assertion in a kernel failed. The context is lost.</summary>
    ErrorAssert = 710,

    /// <summary>A kernel overran its stack or corrupted it. The context is lost.</summary>
    ErrorHardwareStackError = 714,

    /// <summary>A kernel executed an illegal instruction. The context is lost.</summary>
    ErrorIllegalInstruction = 715,

    /// <summary>A kernel accessed a misaligned address. The context is lost.</summary>
    ErrorMisalignedAddress = 716,

    /// <summary>A kernel used an address in the wrong address space. The context is lost.</summary>
    ErrorInvalidAddressSpace = 717,

    /// <summary>A kernel jumped out of its code. The context is lost.</summary>
    ErrorInvalidPc = 718,

    /// <summary>A kernel failed. The context is lost.</summary>
    ErrorLaunchFailed = 719,

    /// <summary>The operation is not permitted.</summary>
    ErrorNotPermitted = 800,

    /// <summary>The operation is not supported on this device.</summary>
    ErrorNotSupported = 801,

    /// <summary>The system is not ready for CUDA work (a service is not running).</summary>
    ErrorSystemNotReady = 802,

    /// <summary>The driver library and the kernel module have different versions.</summary>
    ErrorSystemDriverMismatch = 803,

    /// <summary>Forward compatibility does not cover this device.</summary>
    ErrorCompatNotSupportedOnDevice = 804,

    /// <summary>The operation is not allowed while a stream is captured.</summary>
    ErrorStreamCaptureUnsupported = 900,

    /// <summary>An earlier error has invalidated the capture.</summary>
    ErrorStreamCaptureInvalidated = 901,

    /// <summary>The call would merge two captures.</summary>
    ErrorStreamCaptureMerge = 902,

    /// <summary>The capture was not begun on this stream.</summary>
    ErrorStreamCaptureUnmatched = 903,

    /// <summary>The capture has forked work that was not joined to its first stream.</summary>
    ErrorStreamCaptureUnjoined = 904,

    /// <summary>A dependency would cross the boundary of the capture.</summary>
    ErrorStreamCaptureIsolation = 905,

    /// <summary>The call would make the capture depend on the default stream.</summary>
    ErrorStreamCaptureImplicit = 906,

    /// <summary>The event was last recorded in a capture.</summary>
    ErrorCapturedEvent = 907,

    /// <summary>The capture was begun by another thread.</summary>
    ErrorStreamCaptureWrongThread = 908,

    /// <summary>Waiting took too long.</summary>
    ErrorTimeout = 909,

    /// <summary>The executable graph cannot be updated in this way.</summary>
    ErrorGraphExecUpdateFailure = 910,

    /// <summary>An unknown error.</summary>
    ErrorUnknown = 999,
}
