namespace CsUnet.Cuda.BasicTypes;

/// <summary>A place for memory.</summary>
public struct CUmemLocation
{
    /// <summary>The kind of place.</summary>
    public CUmemLocationType type;

    /// <summary>The number of the device.</summary>
    public int id;
}
