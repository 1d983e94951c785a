namespace CsUnet.Cuda.Dnn;

/// <summary>Algorithms of the gradient of the filter.</summary>
public enum cudnnConvolutionBwdFilterAlgo
{
    /// <summary>Sums with atomics: not deterministic.</summary>
    Algo0 = 0,

    /// <summary>Matrix product.</summary>
    Algo1 = 1,

    /// <summary>Fast Fourier transform.</summary>
    FFT = 2,

    /// <summary>Algo0 with precomputed indices: not deterministic.</summary>
    Algo3 = 3,

    /// <summary>Winograd.</summary>
    Winograd = 4,

    /// <summary>Winograd in separate (non-fused) steps.</summary>
    WinogradNonFused = 5,

    /// <summary>Fast Fourier transform of tiles.</summary>
    FFTTiling = 6,
}
