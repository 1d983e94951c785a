namespace CsUnet.Cuda.BasicTypes;

/// <summary>Flags of <see cref="CudaGraph.Instantiate"/>.</summary>
[Flags]
public enum CUgraphInstantiate_flags : ulong
{
    /// <summary>No options.</summary>
    None = 0,

    /// <summary>Memory that the graph allocates is freed before it is launched again.</summary>
    AutoFreeOnLaunch = 1,
}
