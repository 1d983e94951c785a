namespace CsUnet.Cuda.Dnn;

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
