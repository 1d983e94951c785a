namespace CsUnet.Cuda.Dnn;

/// <summary>The hardware units that may be used.</summary>
public enum cudnnMathType
{
    /// <summary>The default: tf32 matrix units are allowed for float32.</summary>
    DefaultMath = 0,

    /// <summary>Matrix units.</summary>
    TensorOpMath = 1,

    /// <summary>Matrix units, also by rounding the inputs.</summary>
    TensorOpMathAllowConversion = 2,

    /// <summary>No matrix units: full float32.</summary>
    FMAMath = 3,
}
