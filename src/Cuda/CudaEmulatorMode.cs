using System.Runtime.InteropServices;

namespace CsUnet.Cuda;

/// <summary>How the emulator builds and runs kernels.</summary>
public enum CudaEmulatorMode
{
    /// <summary>As fast as it can; finds what a plain run shows.</summary>
    Plain,

    /// <summary>Plain, with the order of threads chosen by <see cref="CudaEmulator.SetOrder"/>.</summary>
    Orders,

    /// <summary>
    /// Every memory access is watched: finds races, reads of unwritten memory, accesses outside; counts for the profile. Slow.
    /// </summary>
    Hook,
}
