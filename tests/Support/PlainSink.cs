using CsUnet.Kernels;
using CsUnet.Tensors;

namespace CsUnet.Tests.Support;

/// <summary>Gradients by input, prefilled with NaN, or with ones to accumulate into.</summary>
internal sealed class PlainSink(OperatorCall call, bool accumulate) : GradientSink
{
    private readonly Dictionary<int, Tensor> _gradients = [];

    public Tensor this[int input] => _gradients[input];

    public override Tensor Target(int input, out bool accumulates)
    {
        accumulates = accumulate;
        Tensor like = call[input];
        return _gradients[input] = Tensor.Full(like.Shape, accumulate ? 1 : double.NaN, like.DType);
    }

    public override void Give(int input, Tensor gradient) => _gradients[input] = gradient;

    public override void Pass(int input, Tensor gradient) => _gradients[input] = gradient.Clone();

    /// <summary>Runs an operator forward and backward.</summary>
    public static (Tensor Output, PlainSink Gradients) Run(Operator op, Tensor?[] inputs, Tensor dOutput, bool accumulate = false)
    {
        var call = new OperatorCall(op, inputs, [.. inputs.Select(input => input is not null)]);
        call.Forward();
        var sink = new PlainSink(call, accumulate);
        call.Backward(dOutput, sink);
        return (call.Output, sink);
    }
}
