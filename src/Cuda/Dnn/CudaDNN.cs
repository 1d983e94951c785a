using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using CsUnet.Cuda.Native;

namespace CsUnet.Cuda.Dnn;

/// <summary>Turns every failure status of cuDNN into a <see cref="CudaDNNException"/>.</summary>
internal static unsafe class CudaDNN
{
    internal static void Check(cudnnStatus status, [InterpolatedStringHandlerArgument(nameof(status))] ref CallText call)
    {
        if (status != cudnnStatus.Success)
            throw new CudaDNNException(status, call.ToStringAndClear(),
                $"{Marshal.PtrToStringUTF8((nint)CudaDNNNative.cudnnGetErrorString(status))} ({(int)status})");
    }
}
