namespace CsUnet.Lab;

/// <summary>The resources that ptxas assigned to a kernel.</summary>
/// <param name="Registers">Registers per thread.</param>
/// <param name="SharedBytes">Static shared memory per block.</param>
/// <param name="SpillBytes">Bytes of register spills, stores and loads.</param>
public readonly record struct KernelUsage(int Registers, int SharedBytes, int SpillBytes);
