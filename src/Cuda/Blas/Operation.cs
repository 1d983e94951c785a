namespace CsUnet.Cuda.Blas;

/// <summary>Whether a matrix is used as it is. cuBLAS matrices are column-major: a row-major matrix is its transpose.</summary>
public enum Operation
{
    /// <summary>As it is.</summary>
    NonTranspose = 0,

    /// <summary>Transposed.</summary>
    Transpose = 1,
}
