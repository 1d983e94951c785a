using CsUnet.Tensors;

namespace CsUnet.Verification;

/// <summary>A network and its input in an element type, computing in a precision, on a device.</summary>
public delegate DifferentiableCase NetworkFactory(DType type, Precision precision, Device device);
