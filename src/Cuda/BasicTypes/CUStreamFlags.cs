namespace CsUnet.Cuda.BasicTypes;

/// <summary>Flags of a new stream.</summary>
[Flags]
public enum CUStreamFlags : uint
{
    /// <summary>Synchronises with the default stream.</summary>
    None = 0,

    /// <summary>Does not synchronise with the default stream.</summary>
    NonBlocking = 1,
}
