using CsUnet.Cuda.BasicTypes;

namespace CsUnet.Cuda;

/// <summary>A device pointer: passes a <see cref="CudaDeviceVariable{T}"/> of any type to a kernel.</summary>
internal interface IDevicePointer
{
    CUdeviceptr Pointer { get; }
}
