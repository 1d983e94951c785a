namespace CsUnet.Cuda.Dnn;

/// <summary>Whether the filter is flipped.</summary>
public enum cudnnConvolutionMode
{
    /// <summary>Flipped, as in mathematics.</summary>
    Convolution = 0,

    /// <summary>Not flipped, as in neural networks.</summary>
    CrossCorrelation = 1,
}
