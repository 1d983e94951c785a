using CsUnet.Tensors;

namespace CsUnet.Kernels;

/// <summary>What an update rule reads and writes of one parameter: tensors of one shape and element type on one device.</summary>
/// <param name="Value">The parameter, float32 or float64; changed in place.</param>
/// <param name="Gradient">Its gradient; unchanged.</param>
/// <param name="State">What the rule keeps from step to step, as its documentation says, 0 before the first step; changed in place.</param>
public sealed record UpdatedParameter(Tensor Value, Tensor Gradient, params IReadOnlyList<Tensor> State);
