namespace CsUnet.Cuda;

/// <summary>An NVIDIA library that this engine can use.</summary>
public enum CudaLibrary
{
    /// <summary>The driver: <c>libcuda.so.1</c>, <c>nvcuda.dll</c>. Comes with the display driver; everything needs it.</summary>
    Driver,

    /// <summary>NVRTC, the run-time compiler: <c>libnvrtc.so.*</c>, <c>nvrtc64_*_0.dll</c>. Needed to compile kernels.</summary>
    Nvrtc,

    /// <summary>cuBLAS: <c>libcublas.so.*</c>, <c>cublas64_*.dll</c>. Optional.</summary>
    CuBlas,

    /// <summary>cuDNN 8 or 9: <c>libcudnn.so.*</c>, <c>cudnn64_*.dll</c>. Optional.</summary>
    CuDnn,
}
