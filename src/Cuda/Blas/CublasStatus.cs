namespace CsUnet.Cuda.Blas;

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
