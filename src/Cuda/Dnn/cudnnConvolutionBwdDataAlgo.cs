namespace CsUnet.Cuda.Dnn;

/// <summary>Algorithms of the gradient of the input.</summary>
public enum cudnnConvolutionBwdDataAlgo
{
    /// <summary>Sums with atomics: not deterministic.</summary>
    Algo0 = 0,

    /// <summary>Matrix product.</summary>
    Algo1 = 1,

    /// <summary>Fast Fourier transform.</summary>
    FFT = 2,

    /// <summary>Fast Fourier transform of tiles.</summary>
    FFTTiling = 3,

    /// <summary>Winograd.</summary>
    Winograd = 4,

    /// <summary>Winograd in separate (non-fused) steps.</summary>
    WinogradNonFused = 5,
}
