using CsUnet.Tensors;

namespace CsUnet.Verification;

/// <summary>Creates a network and its input in an element type, for a precision, on a device.</summary>
public delegate DifferentiableCase NetworkFactory(DType type, Precision precision, Device device);
