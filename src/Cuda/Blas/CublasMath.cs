namespace CsUnet.Cuda.Blas;

/// <summary>The precision of products. Named <c>Math</c> in ManagedCuda, which would hide <see cref="System.Math"/> here.</summary>
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
