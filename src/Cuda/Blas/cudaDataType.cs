namespace CsUnet.Cuda.Blas;

/// <summary>The type of a matrix's elements.</summary>
public enum cudaDataType
{
    /// <summary>float32.</summary>
    CUDA_R_32F = 0,

    /// <summary>float64.</summary>
    CUDA_R_64F = 1,

    /// <summary>float16.</summary>
    CUDA_R_16F = 2,

    /// <summary>bfloat16.</summary>
    CUDA_R_16BF = 14,
}
