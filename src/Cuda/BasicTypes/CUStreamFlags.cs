namespace CsUnet.Cuda.BasicTypes;

/// <summary>Flags of a new stream.</summary>
[Flags]
public enum CUStreamFlags : uint
{
    /// <summary>Ordered against the default stream.</summary>
    None = 0,

    /// <summary>Does not wait for the default stream, nor it for this one.</summary>
    NonBlocking = 1,
}
