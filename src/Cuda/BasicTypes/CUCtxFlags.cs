namespace CsUnet.Cuda.BasicTypes;

/// <summary>How a context waits for the device.</summary>
[Flags]
public enum CUCtxFlags : uint
{
    /// <summary>The driver chooses.</summary>
    SchedAuto = 0,

    /// <summary>Spin: lowest latency, one busy core.</summary>
    SchedSpin = 1,

    /// <summary>Spin, but yield to other threads.</summary>
    SchedYield = 2,

    /// <summary>Block on a primitive of the operating system.</summary>
    BlockingSync = 4,
}
