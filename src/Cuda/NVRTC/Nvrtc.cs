using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using CsUnet.Cuda.Native;

namespace CsUnet.Cuda.NVRTC;

/// <summary>Turns every failure status of NVRTC into an <see cref="NVRTCException"/>.</summary>
internal static unsafe class Nvrtc
{
    internal static void Check(nvrtcResult result, [InterpolatedStringHandlerArgument(nameof(result))] ref CallText call)
    {
        if (result != nvrtcResult.Success)
            throw new NVRTCException(result, call.ToStringAndClear(), Describe(result));
    }

    internal static string Describe(nvrtcResult result)
        => $"{Marshal.PtrToStringUTF8((nint)NvrtcNative.nvrtcGetErrorString(result))} ({(int)result})";
}
