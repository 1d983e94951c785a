namespace CsUnet.Cuda.BasicTypes;

/// <summary>Flags of a new event.</summary>
[Flags]
public enum CUEventFlags : uint
{
    /// <summary>Measures time; waiting spins.</summary>
    Default = 0,

    /// <summary>Waiting blocks the thread instead of spinning.</summary>
    BlockingSync = 1,

    /// <summary>Does not measure time: cheaper.</summary>
    DisableTiming = 2,
}
