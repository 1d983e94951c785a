using CsUnet.Tensors;

namespace CsUnet.Kernels;

/// <summary>
/// Entry Index of the outermost dimension, a view. Input: input (N, ...); output (...). dInput is dOutput there and 0 elsewhere.
/// </summary>
/// <param name="Index">Which entry, from 0.</param>
public sealed record Slice(int Index) : Operator
{
    /// <inheritdoc />
    public override bool RunsOn(DeviceKind device) => true;

    /// <inheritdoc />
    public override Tensor Forward(OperatorCall call)
    {
        if (call[0].Shape.Rank == 0 || Index < 0 || Index >= call[0].Shape[0])
            throw ShapeException.Because(Name, "input", $"index {Index} is out of range for the first dimension of {call[0].Shape}");
        return Entry(call[0]);
    }

    /// <inheritdoc />
    public override void Backward(OperatorCall call, Tensor dOutput, GradientSink gradients)
    {
        Tensor dInput = gradients.Target(0, out bool accumulate);
        if (accumulate)
        {
            TensorMath.AddInPlace(Entry(dInput), dOutput);
            return;
        }
        int after = dInput.Shape[0] - Index - 1;
        if (Index > 0)
            dInput.Slice(0, Index).Clear();
        Entry(dInput).CopyFrom(dOutput);
        if (after > 0)
            dInput.Slice(Index + 1, after).Clear();
    }

    private Tensor Entry(Tensor tensor) => tensor.Slice(Index, 1).Reshape(new Shape(tensor.Shape.AsSpan()[1..]));
}
