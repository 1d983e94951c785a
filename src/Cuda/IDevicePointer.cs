using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using CsUnet.Cuda.BasicTypes;

namespace CsUnet.Cuda;

/// <summary>A device pointer, to pass a <see cref="CudaDeviceVariable{T}"/> to a kernel without knowing its type.</summary>
internal interface IDevicePointer
{
    CUdeviceptr Pointer { get; }
}
