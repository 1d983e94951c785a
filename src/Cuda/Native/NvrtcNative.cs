using System.Runtime.InteropServices;
using CsUnet.Cuda.NVRTC;

namespace CsUnet.Cuda.Native;

/// <summary>The C functions of NVRTC, the run-time compiler, that this engine calls (11.8 to 13).</summary>
internal static unsafe partial class NvrtcNative
{
    private const string Library = CudaLibraries.NvrtcName;

    [LibraryImport(Library)]
    internal static partial byte* nvrtcGetErrorString(nvrtcResult result);

    [LibraryImport(Library)]
    internal static partial nvrtcResult nvrtcVersion(int* major, int* minor);

    [LibraryImport(Library)]
    internal static partial nvrtcResult nvrtcGetNumSupportedArchs(int* count);

    [LibraryImport(Library)]
    internal static partial nvrtcResult nvrtcGetSupportedArchs(int* architectures);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial nvrtcResult nvrtcCreateProgram(nint* program, string source, string name, int headerCount, byte** headers,
        byte** includeNames);

    [LibraryImport(Library)]
    internal static partial nvrtcResult nvrtcDestroyProgram(nint* program);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial nvrtcResult nvrtcAddNameExpression(nint program, string expression);

    [LibraryImport(Library)]
    internal static partial nvrtcResult nvrtcCompileProgram(nint program, int optionCount, byte** options);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial nvrtcResult nvrtcGetLoweredName(nint program, string expression, byte** name);

    [LibraryImport(Library)]
    internal static partial nvrtcResult nvrtcGetPTXSize(nint program, nuint* bytes);

    [LibraryImport(Library)]
    internal static partial nvrtcResult nvrtcGetPTX(nint program, byte* ptx);

    [LibraryImport(Library)]
    internal static partial nvrtcResult nvrtcGetCUBINSize(nint program, nuint* bytes);

    [LibraryImport(Library)]
    internal static partial nvrtcResult nvrtcGetCUBIN(nint program, byte* cubin);

    [LibraryImport(Library)]
    internal static partial nvrtcResult nvrtcGetProgramLogSize(nint program, nuint* bytes);

    [LibraryImport(Library)]
    internal static partial nvrtcResult nvrtcGetProgramLog(nint program, byte* log);
}
