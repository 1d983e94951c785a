namespace CsUnet.Cuda.BasicTypes;

/// <summary>An address in device memory.</summary>
/// <param name="Pointer">The address; 0 is no memory.</param>
public readonly record struct CUdeviceptr(nuint Pointer)
{
    /// <summary>The address <paramref name="bytes"/> after this one.</summary>
    public static CUdeviceptr operator +(CUdeviceptr pointer, SizeT bytes) => new(checked(pointer.Pointer + (nuint)(ulong)bytes));

    /// <summary>The address <paramref name="bytes"/> before this one.</summary>
    public static CUdeviceptr operator -(CUdeviceptr pointer, SizeT bytes) => new(checked(pointer.Pointer - (nuint)(ulong)bytes));

    /// <inheritdoc/>
    public override string ToString() => $"0x{(ulong)Pointer:x}";
}
