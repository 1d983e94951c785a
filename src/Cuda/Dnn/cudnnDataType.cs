namespace CsUnet.Cuda.Dnn;

/// <summary>The type of a tensor's elements.</summary>
public enum cudnnDataType
{
    /// <summary>float32.</summary>
    Float = 0,

    /// <summary>float64.</summary>
    Double = 1,

    /// <summary>float16.</summary>
    Half = 2,

    /// <summary>bfloat16.</summary>
    BFloat16 = 9,
}
