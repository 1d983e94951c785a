using System.Numerics;
using CsUnet.Kernels.Cpu;
using CsUnet.Kernels.Cuda;
using CsUnet.Tensors;

namespace CsUnet.Kernels;

/// <summary>
/// Affine map of the last dimension, with the end of a residual branch fused in. Inputs: input (..., K), weight (N, K), optional bias (N),
/// optional residual (..., N). output (..., N) = residual + DropPath(input · weightᵀ + bias). With g = DropPath(dOutput), drawn again:
/// dInput = g · weight; dWeight = gᵀ · input; dBias = column sums of g; dResidual = dOutput.
/// </summary>
/// <remarks>
/// The weight has the layout of published weight files (PyTorch's Linear). Compute-bound. With bfloat16 activations, the weight rounded to
/// bfloat16 is saved; otherwise nothing is.
/// </remarks>
/// <param name="DropPath">Stochastic depth of the branch; null for none.</param>
public sealed record Linear(DropPath? DropPath = null) : Operator
{
    private const int Weight = 1, Bias = 2, Residual = 3;

    /// <inheritdoc />
    public override IReadOnlyList<KernelVariant> Variants(DeviceKind device) =>
        device == DeviceKind.Cpu ? CpuProduct.Variants : CudaGemm.Variants;

    /// <inheritdoc />
    public override string TuningKey(IReadOnlyList<Tensor?> inputs) =>
        $"{Name} {inputs[0]!.Shape.Rows}x{inputs[0]!.Shape.Last}->{inputs[Weight]!.Shape[0]}";

    /// <inheritdoc />
    protected override Tensor Output(OperatorCall call)
    {
        Tensor input = call[0], weight = call[Weight];
        Require(input.Shape.Rank >= 1 && input.DType.IsFloat(), "input", input, "floating-point (..., K)");
        int k = input.Shape.Last;
        Require(weight.Shape.Rank == 2 && weight.Shape[1] == k, "weight", weight.Shape,
            $"(N,{k}), {k} = last dimension of input {input.Shape}");
        RequireParameterType(call, "weight", weight);
        int n = weight.Shape[0];
        if (call.Optional(Bias) is { } bias)
        {
            Require(bias.Shape == new Shape(n), "bias", bias.Shape, $"({n}) = rows of weight {weight.Shape}");
            RequireParameterType(call, "bias", bias);
        }
        Tensor output = Tensor.Empty(input.Shape.WithLast(n), input.DType, input.Device);
        if (call.Optional(Residual) is { } residual)
        {
            Require(residual.Shape == output.Shape, "residual", residual.Shape, $"{output.Shape} = shape of the output");
            RequireSameType(call, "residual", residual);
        }
        DropPath?.RequireProbability();
        return output;
    }

    /// <inheritdoc />
    protected override void Forward<T>(OperatorCall call)
    {
        Multiply<T>(call[0], call[Weight], call.Optional(Bias), call.Output, CpuProduct.Of(call));
        JoinResidual<T>(call.Output, call.Optional(Residual), DropPath);
    }

    /// <summary>output = input · weightᵀ + bias on the CPU.</summary>
    internal static unsafe void Multiply<T>(Tensor input, Tensor weight, Tensor? bias, Tensor output, CpuProduct product = default)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        int n = weight.Shape[0], k = weight.Shape[1];
        product.Run(false, true, output.Shape.Rows, n, k, input.Pointer<T>(), k, weight.Pointer<T>(), k, output.Pointer<T>(), n,
            false, bias is null ? null : bias.Pointer<T>());
    }

    /// <summary>branch = residual + DropPath(branch) in place, on the CPU.</summary>
    internal static unsafe void JoinResidual<T>(Tensor branch, Tensor? residual, DropPath? dropPath)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        T* x = residual is null ? null : residual.Pointer<T>(), y = branch.Pointer<T>();
        if (dropPath is null)
        {
            if (x != null)
                Simd.AddParallel(x, y, branch.Count);
            return;
        }
        int samples = branch.Shape[0];
        long perSample = samples == 0 ? 0 : branch.Count / samples;
        for (int sample = 0; sample < samples; sample++)
        {
            T factor = dropPath.Factor<T>(sample);
            long first = sample * perSample;
            Workers.Split(perSample, Simd.Grain, (start, end) =>
            {
                T* to = y + first + start;
                Simd.Scale(to, factor, to, end - start);
                if (x != null)
                    Simd.Add(x + first + start, to, end - start);
            });
        }
    }

    /// <inheritdoc />
    public override void Backward(OperatorCall call, Tensor dOutput, GradientSink gradients)
    {
        if (call.Needs(Residual))
            gradients.Pass(Residual, dOutput);
        base.Backward(call, dOutput, gradients);
    }

    /// <inheritdoc />
    protected override void Backward<T>(OperatorCall call, Tensor dOutput, GradientSink gradients)
    {
        if (!call.Needs(0) && !call.Needs(Weight) && !call.Needs(Bias))
            return;
        CpuProduct product = CpuProduct.Of(call);
        Tensor g = dOutput;
        if (DropPath is not null)
        {
            g = Tensor.EmptyLike(dOutput);
            g.Storage.AddReference();
            DropPath.Scale<T>(dOutput, g);
        }
        if (call.Needs(0))
        {
            Tensor dInput = gradients.Target(0, out bool accumulate);
            GradientOfInput<T>(g, call[Weight], dInput, accumulate, product);
        }
        GradientsOfParameters<T>(call, gradients, Weight, Bias, g, call[0], product);
        if (DropPath is not null)
            g.Storage.ReleaseReference();
    }

    /// <summary>dInput = [dInput +] g · weight on the CPU.</summary>
    internal static unsafe void GradientOfInput<T>(Tensor g, Tensor weight, Tensor dInput, bool accumulate, CpuProduct product = default)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        int n = weight.Shape[0], k = weight.Shape[1];
        product.Run(false, false, g.Shape.Rows, k, n, g.Pointer<T>(), n, weight.Pointer<T>(), k, dInput.Pointer<T>(), k, accumulate);
    }

    /// <summary>
    /// The gradients of weight and bias of an affine map of <paramref name="input"/>, if the call needs them, on the CPU.
    /// <paramref name="weight"/> and <paramref name="bias"/> are their indices among the call's inputs.
    /// </summary>
    internal static unsafe void GradientsOfParameters<T>(
        OperatorCall call, GradientSink gradients, int weight, int bias, Tensor g, Tensor input, CpuProduct product = default)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        int n = g.Shape.Last, k = input.Shape.Last, rows = g.Shape.Rows;
        if (call.Needs(weight))
        {
            T* dWeight = gradients.Target(weight, out bool accumulate).Pointer<T>();
            product.Run(true, false, n, k, rows, g.Pointer<T>(), n, input.Pointer<T>(), k, dWeight, k, accumulate);
        }
        if (call.Needs(bias))
        {
            T* dBias = gradients.Target(bias, out bool accumulate).Pointer<T>();
            product.SumColumns(rows, n, g.Pointer<T>(), dBias, accumulate);
        }
    }

    /// <inheritdoc />
    public override long MultiplyAdds(OperatorCall call) => (long)call[0].Shape.Rows * call[1].Shape[0] * call[1].Shape[1];

    // kernels/gemm.cu: one launch, or two if K is split.
    /// <inheritdoc />
    protected override void CudaForward(OperatorCall call)
    {
        Tensor weight = Cast.Convert(call[Weight], call[0].DType);
        if (weight != call[Weight])
            call.Save(weight);
        CudaGemm.Forward(call, call[0], weight, call.Optional(Bias), call.Output, call.Optional(Residual), DropPath);
    }

    /// <inheritdoc />
    protected override void CudaBackward(OperatorCall call, Tensor dOutput, GradientSink gradients)
    {
        if (call.Needs(0))
        {
            Tensor dInput = gradients.Target(0, out bool accumulate);
            CudaGemm.BackwardInput(call, dOutput, call.Saved.Count > 0 ? call.Saved[0] : call[Weight], dInput, accumulate, DropPath);
        }
        CudaGemm.BackwardParameters(call, gradients, Weight, Bias, dOutput, call[0], DropPath);
    }
}
