using CsUnet.Tensors;

namespace CsUnet.Kernels;

/// <summary>A view of the same elements with another shape. Input: input. dInput is dOutput with the shape of the input.</summary>
/// <param name="Shape">The shape of the output, with as many elements as the input.</param>
public sealed record Reshape(Shape Shape) : Operator
{
    /// <inheritdoc />
    public override Tensor Forward(OperatorCall call)
    {
        Require(call[0].Count == Shape.Count, "input", call[0].Shape, $"{ProblemText.Count(Shape.Count, "element")} as in {Shape}");
        return call[0].Reshape(Shape);
    }

    /// <inheritdoc />
    public override void Backward(OperatorCall call, Tensor dOutput, GradientSink gradients) =>
        gradients.Pass(0, dOutput.Reshape(call[0].Shape));
}
