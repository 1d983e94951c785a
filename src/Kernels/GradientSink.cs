using CsUnet.Tensors;

namespace CsUnet.Kernels;

/// <summary>Where a backward rule puts the gradients of its operator's inputs.</summary>
public abstract class GradientSink
{
    /// <summary>
    /// The buffer for an input's gradient, shaped like the input. If <paramref name="accumulate"/> is true it holds a gradient already and
    /// the operator adds to it; else its elements are unset and the operator overwrites all of them.
    /// </summary>
    public abstract Tensor Target(int input, out bool accumulate);

    /// <summary>
    /// Hands over a gradient that the operator has just computed into a tensor of its own; the tensor is the sink's from now on.
    /// </summary>
    public abstract void Give(int input, Tensor gradient);

    /// <summary>Passes a gradient through unchanged (the output's gradient, or a view of it): the sink copies it if it has to.</summary>
    public abstract void Pass(int input, Tensor gradient);
}
