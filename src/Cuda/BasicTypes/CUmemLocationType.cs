namespace CsUnet.Cuda.BasicTypes;

/// <summary>What kind of place a <see cref="CUmemLocation"/> names.</summary>
public enum CUmemLocationType
{
    /// <summary>Not set.</summary>
    Invalid = 0,

    /// <summary>A device, by its number.</summary>
    Device = 1,
}
