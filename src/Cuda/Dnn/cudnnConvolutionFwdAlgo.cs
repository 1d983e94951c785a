namespace CsUnet.Cuda.Dnn;

/// <summary>Algorithms of the forward convolution.</summary>
public enum cudnnConvolutionFwdAlgo
{
    /// <summary>Implicit GEMM: im2col indices computed on the fly.</summary>
    ImplicitGEMM = 0,

    /// <summary>Implicit GEMM with precomputed indices.</summary>
    ImplicitPrecompGEMM = 1,

    /// <summary>Explicit GEMM: stores the im2col matrix.</summary>
    GEMM = 2,

    /// <summary>Direct convolution.</summary>
    Direct = 3,

    /// <summary>Fast Fourier transform.</summary>
    FFT = 4,

    /// <summary>Fast Fourier transform of tiles.</summary>
    FFTTiling = 5,

    /// <summary>Winograd.</summary>
    Winograd = 6,

    /// <summary>Winograd in separate (non-fused) steps.</summary>
    WinogradNonFused = 7,
}
