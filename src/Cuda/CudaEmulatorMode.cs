namespace CsUnet.Cuda;

/// <summary>How the emulator builds and runs kernels.</summary>
public enum CudaEmulatorMode
{
    /// <summary>Runs at full speed; finds only errors that show without checking every access.</summary>
    Plain,

    /// <summary>Plain, with the order of threads chosen by <see cref="CudaEmulator.SetOrder"/>.</summary>
    Orders,

    /// <summary>
    /// Checks every memory access: finds races, reads of unwritten memory and out-of-bounds accesses; counts for the profile. Slow.
    /// </summary>
    Hook,
}
