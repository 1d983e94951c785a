namespace CsUnet.Cuda;

/// <summary>
/// The status that every cuDNN call returns. Failures have other numbers in cuDNN 9 than in 8: messages hold cuDNN's own text.
/// </summary>
public enum cudnnStatus
{
    /// <summary>The call succeeded.</summary>
    Success = 0,
}

/// <summary>The type of a tensor's elements.</summary>
public enum cudnnDataType
{
    /// <summary>float32.</summary>
    Float = 0,

    /// <summary>float64.</summary>
    Double = 1,

    /// <summary>float16.</summary>
    Half = 2,

    /// <summary>bfloat16.</summary>
    BFloat16 = 9,
}

/// <summary>The order of a tensor's dimensions in memory.</summary>
public enum cudnnTensorFormat
{
    /// <summary>Channels before pixels.</summary>
    NCHW = 0,

    /// <summary>Channels last, as everywhere in this engine.</summary>
    NHWC = 1,
}

/// <summary>Whether the filter is flipped.</summary>
public enum cudnnConvolutionMode
{
    /// <summary>Flipped, as in mathematics.</summary>
    Convolution = 0,

    /// <summary>Not flipped, as in neural networks.</summary>
    CrossCorrelation = 1,
}

/// <summary>Which units may compute.</summary>
public enum cudnnMathType
{
    /// <summary>The default: tf32 matrix units are allowed for float32.</summary>
    DefaultMath = 0,

    /// <summary>Matrix units.</summary>
    TensorOpMath = 1,

    /// <summary>Matrix units, also by rounding the inputs.</summary>
    TensorOpMathAllowConversion = 2,

    /// <summary>No matrix units: full float32.</summary>
    FMAMath = 3,
}

/// <summary>Whether an algorithm gives the same bits in every run.</summary>
public enum cudnnDeterminism
{
    /// <summary>It does not (atomics).</summary>
    NonDeterministic = 0,

    /// <summary>It does.</summary>
    Deterministic = 1,
}

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

    /// <summary>Winograd with its steps apart.</summary>
    WinogradNonFused = 5,
}

/// <summary>Algorithms of the gradient of the filter.</summary>
public enum cudnnConvolutionBwdFilterAlgo
{
    /// <summary>Sums with atomics: not deterministic.</summary>
    Algo0 = 0,

    /// <summary>Matrix product.</summary>
    Algo1 = 1,

    /// <summary>Fast Fourier transform.</summary>
    FFT = 2,

    /// <summary>As Algo0 with precomputed indices: not deterministic.</summary>
    Algo3 = 3,

    /// <summary>Winograd.</summary>
    Winograd = 4,

    /// <summary>Winograd with its steps apart.</summary>
    WinogradNonFused = 5,

    /// <summary>Fast Fourier transform of tiles.</summary>
    FFTTiling = 6,
}

/// <summary>cuDNN's estimate for one algorithm; the three convolutions share its layout.</summary>
internal unsafe struct cudnnConvolutionAlgoPerf
{
    internal int algo;
    internal cudnnStatus status;
    internal float time;
    internal nuint memory;
    internal cudnnDeterminism determinism;
    internal cudnnMathType mathType;
    private fixed int _reserved[3];
}

/// <summary>What cuDNN expects of an algorithm.</summary>
/// <typeparam name="TAlgorithm">The algorithms of one of the three convolutions.</typeparam>
/// <param name="Algorithm">The algorithm.</param>
/// <param name="Memory">Bytes of workspace.</param>
/// <param name="Determinism">Whether it gives the same bits in every run.</param>
/// <param name="MathType">The units it uses.</param>
public readonly record struct ConvolutionAlgorithm<TAlgorithm>(TAlgorithm Algorithm, SizeT Memory, cudnnDeterminism Determinism,
    cudnnMathType MathType) where TAlgorithm : unmanaged, Enum;

/// <summary>A cuDNN call failed.</summary>
public sealed class CudaDNNException : CudaException
{
    internal CudaDNNException(cudnnStatus error, string call, string details) : base(CUResult.Success, call, details)
        => CudaDNNError = error;

    /// <summary>The status of the call.</summary>
    public cudnnStatus CudaDNNError { get; }
}
