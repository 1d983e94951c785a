namespace CsUnet.Cuda.BasicTypes;

/// <summary>Flags of page-locked host memory.</summary>
[Flags]
public enum CUMemHostAllocFlags : uint
{
    /// <summary>Plain page-locked memory.</summary>
    None = 0,

    /// <summary>Page-locked for all contexts, not only the current one.</summary>
    Portable = 1,

    /// <summary>Visible in the device's address space.</summary>
    DeviceMap = 2,

    /// <summary>Write-combined: faster to copy from, very slow to read on the CPU.</summary>
    WriteCombined = 4,
}
