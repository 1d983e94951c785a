namespace CsUnet.Cuda.Dnn;

/// <summary>Algorithms of the forward convolution.</summary>
public enum cudnnConvolutionFwdAlgo
{
    /// <summary>Matrix product with indices computed on the fly.</summary>
    ImplicitGEMM = 0,

    /// <summary>Matrix product with precomputed indices.</summary>
    ImplicitPrecompGEMM = 1,

    /// <summary>Explicit matrix product.</summary>
    GEMM = 2,

    /// <summary>Direct sums.</summary>
    Direct = 3,

    /// <summary>Fast Fourier transform.</summary>
    FFT = 4,

    /// <summary>Fast Fourier transform of tiles.</summary>
    FFTTiling = 5,

    /// <summary>Winograd.</summary>
    Winograd = 6,

    /// <summary>Winograd with its steps apart.</summary>
    WinogradNonFused = 7,
}
