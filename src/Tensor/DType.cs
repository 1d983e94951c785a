namespace CsUnet.Tensors;

/// <summary>Element type of a tensor.</summary>
public enum DType
{
    /// <summary>IEEE 754 single precision.</summary>
    Float32,

    /// <summary>IEEE 754 double precision: the references and gradient checks.</summary>
    Float64,

    /// <summary>64-bit signed integers: labels.</summary>
    Int64,

    /// <summary>8-bit unsigned integers: images and label masks.</summary>
    UInt8,

    /// <summary>The upper half of a float32: activations on a GPU's matrix units. Only CUDA kernels compute with it.</summary>
    BFloat16,

    /// <summary>32-bit signed integers: labels.</summary>
    Int32,
}
