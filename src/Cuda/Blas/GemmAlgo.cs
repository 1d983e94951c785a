namespace CsUnet.Cuda.Blas;

/// <summary>Which implementation computes a product.</summary>
public enum GemmAlgo
{
    /// <summary>cuBLAS chooses.</summary>
    Default = -1,
}
