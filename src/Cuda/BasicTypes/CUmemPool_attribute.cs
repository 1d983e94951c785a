namespace CsUnet.Cuda.BasicTypes;

/// <summary>A setting or a count of a memory pool.</summary>
public enum CUmemPool_attribute
{
    /// <summary>int: reuse memory freed in another stream when an event orders the two.</summary>
    ReuseFollowEventDependencies = 1,

    /// <summary>int: reuse memory whose free has already completed.</summary>
    ReuseAllowOpportunistic,

    /// <summary>int: insert a dependency between streams to reuse memory.</summary>
    ReuseAllowInternalDependencies,

    /// <summary>ulong: bytes that the pool keeps across a synchronisation.</summary>
    ReleaseThreshold,

    /// <summary>ulong: bytes that the pool has reserved from the device.</summary>
    ReservedMemCurrent,

    /// <summary>ulong: maximum bytes held since the last reset; set to 0 to reset.</summary>
    ReservedMemHigh,

    /// <summary>ulong: bytes in use.</summary>
    UsedMemCurrent,

    /// <summary>ulong: maximum bytes in use since the last reset; set to 0 to reset.</summary>
    UsedMemHigh,
}
