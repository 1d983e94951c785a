using CsUnet.Tensors;

namespace CsUnet.Kernels;

/// <summary>Receives the gradients that a backward rule computes for its operator's inputs.</summary>
public abstract class GradientSink
{
    /// <summary>
    /// The buffer for an input's gradient, with the shape of the input. If <paramref name="accumulate"/> is true, it already holds a
    /// gradient and the operator adds to it. Otherwise it is uninitialised and the operator overwrites every element.
    /// </summary>
    public abstract Tensor Target(int input, out bool accumulate);

    /// <summary>
    /// Hands over a gradient that the operator has just computed into a new tensor. The sink owns the tensor from now on.
    /// </summary>
    public abstract void Give(int input, Tensor gradient);

    /// <summary>Passes a gradient through unchanged (the output's gradient, or a view of it); the sink copies it if necessary.</summary>
    public abstract void Pass(int input, Tensor gradient);
}
