namespace CsUnet.Cuda.BasicTypes;

/// <summary>Why an executable graph could not be updated.</summary>
public enum CUgraphExecUpdateResult
{
    /// <summary>Updated.</summary>
    Success = 0,

    /// <summary>Failed; the return value of the call says why.</summary>
    Error = 1,

    /// <summary>The graphs differ in their nodes or dependencies.</summary>
    ErrorTopologyChanged = 2,

    /// <summary>A node is of another type.</summary>
    ErrorNodeTypeChanged = 3,

    /// <summary>A node runs another kernel, which this driver cannot change.</summary>
    ErrorFunctionChanged = 4,

    /// <summary>A parameter changed that cannot be changed.</summary>
    ErrorParametersChanged = 5,

    /// <summary>Something about the node is not supported.</summary>
    ErrorNotSupported = 6,

    /// <summary>A kernel changed in a way that is not supported.</summary>
    ErrorUnsupportedFunctionChange = 7,

    /// <summary>An attribute of a node changed.</summary>
    ErrorAttributesChanged = 8,
}
