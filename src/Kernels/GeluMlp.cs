using CsUnet.Kernels.Cpu;
using CsUnet.Kernels.Cuda;
using CsUnet.Tensors;

namespace CsUnet.Kernels;

/// <summary>
/// The perceptron (MLP) of a transformer block with its residual: two layers as in Swin, or three as in CS-UNet's ResMlp. Inputs: input x
/// (..., C), optional residual (..., N), then weight (out, in) and bias (out) of fc1, fc2 and, for three layers, fc3.
/// output = residual + DropPath(fc2(gelu(fc1 x))), or residual + DropPath(fc3(gelu(fc2(gelu(fc1 x)) + x))).
/// With g = DropPath(dOutput), drawn again, and from the last layer to the first: dWeight = gᵀ · h and dBias = column sums of g, where h is
/// the layer's input; then g becomes (g · weight) * gelu'(z), where h = gelu(z). dInput is the g that leaves fc1; with three layers, plus
/// the g that entered fc2.
/// </summary>
/// <remarks>
/// It is one operator, so that every GELU is fused into the epilogue of one product in the forward pass and of another in the backward
/// pass. Saves z and h of every hidden layer; with bfloat16 activations, also the weights rounded to bfloat16. Compute-bound.
/// </remarks>
/// <param name="DropPath">Stochastic depth of the branch; null for none.</param>
public sealed record GeluMlp(DropPath? DropPath = null) : Operator
{
    private const int Residual = 1, FirstWeight = 2;

    /// <inheritdoc />
    public override IReadOnlyList<KernelVariant> Variants(DeviceKind device) => device == DeviceKind.Cpu ? [] : CudaGemm.Variants;

    /// <inheritdoc />
    public override string TuningKey(IReadOnlyList<Tensor?> inputs) => $"{Name} {inputs[0]!.Shape.Rows}x{inputs[0]!.Shape.Last}"
        + string.Concat(Enumerable.Range(0, (inputs.Count - FirstWeight) / 2).Select(layer => $"->{inputs[WeightOf(layer)]!.Shape[0]}"));

    /// <inheritdoc />
    protected override Tensor Output(OperatorCall call) => Tensor.Empty(Check(call), call[0].DType, call[0].Device);

    private static int Layers(OperatorCall call) => (call.Inputs.Count - FirstWeight) / 2;

    private static int WeightOf(int layer) => FirstWeight + 2 * layer;

    // With three layers, x is added after the second.
    private static bool InputJoins(OperatorCall call, int layer) => layer == 1 && Layers(call) == 3;

    private Shape Check(OperatorCall call)
    {
        Tensor input = call[0];
        Require(input.Shape.Rank >= 1 && input.DType.IsFloat(), "input", input, "floating-point (..., C)");
        Require(call.Inputs.Count is 6 or 8, "number of inputs", call.Inputs.Count,
            "6 or 8: input, residual, weight and bias of 2 or 3 layers");
        int width = input.Shape.Last;
        for (int layer = 0; layer < Layers(call); layer++)
        {
            (Tensor weight, Tensor bias) = (call[WeightOf(layer)], call[WeightOf(layer) + 1]);
            string name = $"fc{layer + 1}";
            Require(weight.Shape.Rank == 2 && weight.Shape[1] == width, $"{name} weight", weight.Shape,
                $"(N,{width}), {width} = channels that enter it");
            RequireParameterType(call, $"{name} weight", weight);
            width = weight.Shape[0];
            Require(bias.Shape == new Shape(width), $"{name} bias", bias.Shape, $"({width}) = rows of weight {weight.Shape}");
            RequireParameterType(call, $"{name} bias", bias);
            Require(!InputJoins(call, layer) || width == input.Shape.Last, $"{name} weight", weight.Shape,
                $"{input.Shape.Last} rows, since input {input.Shape} is added");
        }
        Shape output = input.Shape.WithLast(width);
        if (call.Optional(Residual) is { } residual)
        {
            Require(residual.Shape == output, "residual", residual.Shape, $"{output} = shape of the output");
            RequireSameType(call, "residual", residual);
        }
        DropPath?.RequireProbability();
        return output;
    }

    /// <inheritdoc />
    protected override unsafe void Forward<T>(OperatorCall call)
    {
        Tensor h = call[0];
        for (int layer = 0; layer < Layers(call) - 1; layer++)
        {
            Tensor z = Hidden(h, call[WeightOf(layer)]);
            Linear.Multiply<T>(h, call[WeightOf(layer)], call[WeightOf(layer) + 1], z);
            if (InputJoins(call, layer))
                Linear.JoinResidual<T>(z, call[0], dropPath: null);
            Leave(call, h);
            // Without a backward pass, GELU works in place.
            h = call.IsRecording ? Hidden(h, call[WeightOf(layer)]) : z;
            T* from = z.Pointer<T>(), to = h.Pointer<T>();
            Workers.Split(z.Count, Simd.Grain, (start, end) => VectorMath.Gelu(from + start, to + start, end - start));
            call.Save(z);
            call.Save(h);
        }
        int last = WeightOf(Layers(call) - 1);
        Linear.Multiply<T>(h, call[last], call[last + 1], call.Output);
        Leave(call, h);
        Linear.JoinResidual<T>(call.Output, call.Optional(Residual), DropPath);
    }

    private static Tensor Hidden(Tensor input, Tensor weight) => Temporary(input, input.Shape.WithLast(weight.Shape[0]));

    // One reference keeps the tensor until Leave releases it; then its block returns to the step arena at once.
    private static Tensor Temporary(Tensor like, Shape shape)
    {
        Tensor tensor = Tensor.Empty(shape, like.DType, like.Device);
        tensor.Storage.AddReference();
        return tensor;
    }

    // In a recorded call, the tape holds the saved tensors from here on.
    private static void Leave(OperatorCall call, Tensor h)
    {
        if (!call.IsRecording && h != call[0])
            h.Storage.ReleaseReference();
    }

    /// <inheritdoc />
    public override void Backward(OperatorCall call, Tensor dOutput, GradientSink gradients)
    {
        if (call.Needs(Residual))
            gradients.Pass(Residual, dOutput);
        base.Backward(call, dOutput, gradients);
    }

    // A layer's input, and the pre-activation that GELU made it from; null for the first layer.
    private static (Tensor Input, Tensor? PreActivation) Read(OperatorCall call, int layer) =>
        layer == 0 ? (call[0], null) : (call.Saved[2 * layer - 1], call.Saved[2 * layer - 2]);

    /// <inheritdoc />
    protected override unsafe void Backward<T>(OperatorCall call, Tensor dOutput, GradientSink gradients)
    {
        Tensor g = dOutput;
        if (DropPath is null)
            g.Storage.AddReference();
        else
            DropPath.Scale<T>(dOutput, g = Temporary(dOutput, dOutput.Shape));
        for (int layer = Layers(call) - 1; layer > 0; layer--)
        {
            (Tensor input, Tensor? preActivation) = Read(call, layer);
            if (InputJoins(call, layer) && call.Needs(0))
                Add(g, gradients);
            Linear.GradientsOfParameters<T>(call, gradients, WeightOf(layer), WeightOf(layer) + 1, g, input);
            Tensor dz = Temporary(g, input.Shape);
            Linear.GradientOfInput<T>(g, call[WeightOf(layer)], dz, accumulate: false);
            g.Storage.ReleaseReference();
            g = dz;
            T* z = preActivation!.Pointer<T>(), gradient = g.Pointer<T>();
            Workers.Split(g.Count, Simd.Grain, (start, end) =>
                VectorMath.GeluBackward(z + start, gradient + start, gradient + start, end - start, accumulate: false));
        }
        Linear.GradientsOfParameters<T>(call, gradients, FirstWeight, FirstWeight + 1, g, call[0]);
        if (call.Needs(0))
        {
            Tensor dInput = gradients.Target(0, out bool accumulate);
            Linear.GradientOfInput<T>(g, call[FirstWeight], dInput, accumulate);
        }
        g.Storage.ReleaseReference();
    }

    private static void Add(Tensor gradient, GradientSink gradients)
    {
        Tensor dInput = gradients.Target(0, out bool accumulate);
        if (accumulate)
            TensorMath.AddInPlace(dInput, gradient);
        else
            dInput.CopyFrom(gradient);
    }

    /// <inheritdoc />
    public override long MultiplyAdds(OperatorCall call) =>
        Enumerable.Range(0, Layers(call)).Sum(layer => call[0].Shape.Rows * call[WeightOf(layer)].Count);

    // kernels/gemm.cu: one launch per product, or two if its sums are split.
    /// <inheritdoc />
    protected override void CudaForward(OperatorCall call)
    {
        Tensor h = call[0];
        Tensor[] weights = [.. Enumerable.Range(0, Layers(call)).Select(layer => Cast.Convert(call[WeightOf(layer)], h.DType))];
        for (int layer = 0; layer < weights.Length - 1; layer++)
        {
            Tensor input = h;
            Tensor? z = call.IsRecording ? Hidden(input, weights[layer]) : null;
            h = Hidden(input, weights[layer]);
            CudaGemm.Forward(
                call, input, weights[layer], call[WeightOf(layer) + 1], h, InputJoins(call, layer) ? call[0] : null, gelu: true,
                preActivation: z);
            Leave(call, input);
            if (z is not null)
                call.Save(z);
            call.Save(h);
        }
        CudaGemm.Forward(call, h, weights[^1], call[WeightOf(weights.Length - 1) + 1], call.Output, call.Optional(Residual), DropPath);
        Leave(call, h);
        if (weights[0] != call[FirstWeight])
            foreach (Tensor weight in weights)
                call.Save(weight);
    }

    /// <inheritdoc />
    protected override void CudaBackward(OperatorCall call, Tensor dOutput, GradientSink gradients)
    {
        int layers = Layers(call), hidden = 2 * (layers - 1);
        Tensor Weight(int layer) => call.Saved.Count > hidden ? call.Saved[hidden + layer] : call[WeightOf(layer)];
        Tensor g = dOutput;
        Tensor? joined = null;
        DropPath? dropPath = DropPath;
        g.Storage.AddReference();
        for (int layer = layers - 1; layer > 0; layer--)
        {
            (Tensor input, Tensor? preActivation) = Read(call, layer);
            CudaGemm.BackwardParameters(call, gradients, WeightOf(layer), WeightOf(layer) + 1, g, input, dropPath);
            Tensor dz = Temporary(g, input.Shape);
            CudaGemm.BackwardInput(call, g, Weight(layer), dz, accumulate: false, dropPath, preActivation);
            dropPath = null;
            if (InputJoins(call, layer))
                joined = g;
            else
                g.Storage.ReleaseReference();
            g = dz;
        }
        CudaGemm.BackwardParameters(call, gradients, FirstWeight, FirstWeight + 1, g, call[0]);
        if (call.Needs(0))
        {
            Tensor dInput = gradients.Target(0, out bool accumulate);
            CudaGemm.BackwardInput(call, g, Weight(0), dInput, accumulate, residual: joined);
        }
        g.Storage.ReleaseReference();
        joined?.Storage.ReleaseReference();
    }
}
