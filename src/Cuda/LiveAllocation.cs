namespace CsUnet.Cuda;

/// <summary>Memory that has been allocated and not freed.</summary>
/// <param name="Kind">Where it is.</param>
/// <param name="Pointer">Its address.</param>
/// <param name="Bytes">Its size in bytes.</param>
/// <param name="DeviceId">The number of its context's device.</param>
/// <param name="Stack">Where it was allocated; null unless <see cref="CudaContext.RecordAllocationStacks"/> was on.</param>
public sealed record LiveAllocation(ResourceKind Kind, ulong Pointer, long Bytes, int DeviceId, string? Stack)
{
    /// <inheritdoc/>
    public override string ToString()
        => $"{Kind} of {Bytes} bytes at 0x{Pointer:x} on device {DeviceId}" + (Stack is null ? "" : $", allocated\n{Stack}");
}
