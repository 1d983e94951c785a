namespace CsUnet.Cuda.Dnn;

/// <summary>The order of a tensor's dimensions in memory.</summary>
public enum cudnnTensorFormat
{
    /// <summary>Channels before pixels.</summary>
    NCHW = 0,

    /// <summary>Channels last, as everywhere in this engine.</summary>
    NHWC = 1,
}
