namespace CsUnet.Cuda;

/// <summary>The status that every cuBLAS call returns.</summary>
public enum CublasStatus
{
    /// <summary>The call succeeded.</summary>
    Success = 0,

    /// <summary>cuBLAS is not initialised; often: there is no context, or the driver is too old.</summary>
    NotInitialized = 1,

    /// <summary>Not enough memory for cuBLAS itself.</summary>
    AllocFailed = 3,

    /// <summary>An argument is out of range.</summary>
    InvalidValue = 7,

    /// <summary>The device cannot do this.</summary>
    ArchMismatch = 8,

    /// <summary>Device memory could not be accessed.</summary>
    MappingError = 11,

    /// <summary>A kernel failed.</summary>
    ExecutionFailed = 13,

    /// <summary>An internal error.</summary>
    InternalError = 14,

    /// <summary>This combination of types, layouts or sizes is not supported.</summary>
    NotSupported = 15,

    /// <summary>A licence is missing.</summary>
    LicenseError = 16,
}

/// <summary>Whether a matrix is used as it is. cuBLAS matrices are column-major: a row-major matrix is its transpose.</summary>
public enum Operation
{
    /// <summary>As it is.</summary>
    NonTranspose = 0,

    /// <summary>Transposed.</summary>
    Transpose = 1,
}

/// <summary>How exact products are. Named <c>Math</c> in ManagedCuda, which would hide <see cref="System.Math"/> here.</summary>
[Flags]
public enum CublasMath
{
    /// <summary>The default: float32 products stay float32.</summary>
    DefaultMath = 0,

    /// <summary>No reformulation at all; slow, for comparisons.</summary>
    PedanticMath = 2,

    /// <summary>float32 products may use tf32 matrix units.</summary>
    TF32TensorOpMath = 3,

    /// <summary>Partial sums of 16-bit products stay in float32.</summary>
    DisallowReducedPrecisionReduction = 16,
}

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

/// <summary>The type that products are computed and summed in.</summary>
public enum ComputeType
{
    /// <summary>float32.</summary>
    Compute32F = 68,

    /// <summary>float32 without any reformulation.</summary>
    Compute32FPedantic = 69,

    /// <summary>float32 inputs may be rounded to bfloat16.</summary>
    Compute32FFast16BF = 75,

    /// <summary>float32 inputs may be rounded to tf32.</summary>
    Compute32FFastTF32 = 77,
}

/// <summary>Which implementation computes a product.</summary>
public enum GemmAlgo
{
    /// <summary>cuBLAS chooses.</summary>
    Default = -1,
}

/// <summary>A cuBLAS call failed.</summary>
public sealed class CudaBlasException : CudaException
{
    internal CudaBlasException(CublasStatus error, string call, string details) : base(CUResult.Success, call, details)
        => CudaBlasError = error;

    /// <summary>The status of the call.</summary>
    public CublasStatus CudaBlasError { get; }
}
