namespace CsUnet.Cuda.Blas;

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
