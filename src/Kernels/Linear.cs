using System.Numerics;
using CsUnet.Cuda;
using CsUnet.Kernels.Cpu;
using CsUnet.Kernels.Cuda;
using CsUnet.Tensors;

namespace CsUnet.Kernels;

/// <summary>
/// Affine map of the last dimension. Inputs: input (..., K), weight (N, K), optional bias (N).
/// output (..., N) = input · weightᵀ + bias; dInput = dOutput · weight; dWeight = dOutputᵀ · input; dBias = column sums of dOutput.
/// </summary>
/// <remarks>The layout of the weight is that of public weight files (PyTorch's Linear). Bound by arithmetic; nothing is saved.</remarks>
public sealed record Linear : Operator
{
    /// <inheritdoc />
    public override bool RunsOn(DeviceKind device) => true;

    /// <inheritdoc />
    public override Tensor Forward(OperatorCall call)
    {
        Tensor input = call[0], weight = call[1];
        Require(input.Shape.Rank >= 1 && input.DType.IsFloat(), "input", input, "float32 or float64 (..., K)");
        int k = input.Shape.Last;
        Require(weight.Shape.Rank == 2 && weight.Shape[1] == k, "weight", weight.Shape,
            $"(N,{k}), {k} = last dimension of input {input.Shape}");
        RequireSameType(call, "weight", weight);
        int n = weight.Shape[0];
        if (call.Optional(2) is { } bias)
        {
            Require(bias.Shape == new Shape(n), "bias", bias.Shape, $"({n}) = rows of weight {weight.Shape}");
            RequireSameType(call, "bias", bias);
        }
        Tensor output = Tensor.Empty(input.Shape.WithLast(n), input.DType, input.Device);
        if (input.Device.Kind == DeviceKind.Cuda)
            CudaForward(call, output);
        else if (input.DType == DType.Float32)
            Forward<float>(call, output);
        else
            Forward<double>(call, output);
        // Tensors free their memory when they are collected, and a raw pointer does not keep one alive: seen as a read of freed memory.
        GC.KeepAlive(call);
        return output;
    }

    private static unsafe void Forward<T>(OperatorCall call, Tensor output) where T : unmanaged, IFloatingPointIeee754<T>
    {
        Tensor weight = call[1];
        int n = weight.Shape[0], k = weight.Shape[1];
        Tensor? bias = call.Optional(2);
        Gemm.Run(false, true, output.Shape.Rows, n, k, call[0].Pointer<T>(), k, weight.Pointer<T>(), k, output.Pointer<T>(), n,
            false, bias is null ? null : bias.Pointer<T>());
    }

    /// <inheritdoc />
    public override void Backward(OperatorCall call, Tensor dOutput, GradientSink gradients)
    {
        if (dOutput.Device.Kind == DeviceKind.Cuda)
            CudaBackward(call, dOutput, gradients);
        else if (dOutput.DType == DType.Float32)
            Backward<float>(call, dOutput, gradients);
        else
            Backward<double>(call, dOutput, gradients);
        GC.KeepAlive(call);
        GC.KeepAlive(dOutput);
        GC.KeepAlive(gradients);
    }

    private static unsafe void Backward<T>(OperatorCall call, Tensor dOutput, GradientSink gradients)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        Tensor weight = call[1];
        int n = weight.Shape[0], k = weight.Shape[1], rows = dOutput.Shape.Rows;
        T* dy = dOutput.Pointer<T>();
        if (call.Needs(0))
        {
            T* dInput = gradients.Target(0, out bool accumulate).Pointer<T>();
            Gemm.Run(false, false, rows, k, n, dy, n, weight.Pointer<T>(), k, dInput, k, accumulate);
        }
        if (call.Needs(1))
        {
            T* dWeight = gradients.Target(1, out bool accumulate).Pointer<T>();
            Gemm.Run(true, false, n, k, rows, dy, n, call[0].Pointer<T>(), k, dWeight, k, accumulate);
        }
        if (call.Needs(2))
        {
            T* dBias = gradients.Target(2, out bool accumulate).Pointer<T>();
            ColumnSums.Run(rows, n, dy, dBias, accumulate);
        }
    }

    /// <inheritdoc />
    public override long MultiplyAdds(OperatorCall call) => (long)call[0].Shape.Rows * call[1].Shape[0] * call[1].Shape[1];

    private void CudaForward(OperatorCall call, Tensor output)
    {
        Tensor weight = call[1];
        if (!FitsVectors(weight))
        {
            CudaConvolution.Forward(AsConvolution(call), call[0], weight, call.Optional(2), output);
            return;
        }
        CudaProduct("nt", call[0], weight, call.Optional(2), output, output.Shape.Rows, weight.Shape[0], weight.Shape[1], accumulate: false);
    }

    private void CudaBackward(OperatorCall call, Tensor dOutput, GradientSink gradients)
    {
        Tensor weight = call[1];
        int n = weight.Shape[0], k = weight.Shape[1], rows = dOutput.Shape.Rows;
        if (call.Needs(0))
        {
            Tensor dInput = gradients.Target(0, out bool accumulate);
            if (FitsVectors(weight))
                CudaProduct("nn", dOutput, weight, null, dInput, rows, k, n, accumulate);
            else
                CudaConvolution.BackwardInput(AsConvolution(call), dOutput, weight, dInput, accumulate);
        }
        if (call.Needs(1))
        {
            Tensor dWeight = gradients.Target(1, out bool accumulate);
            if (FitsVectors(weight))
                CudaProduct("tn", dOutput, call[0], null, dWeight, n, k, rows, accumulate);
            else
                CudaConvolution.BackwardWeight(AsConvolution(call), dOutput, call[0], dWeight, accumulate);
        }
        if (call.Needs(2))
        {
            Tensor dBias = gradients.Target(2, out bool accumulate);
            ColumnBlocks.Sum(dOutput, dBias, accumulate);
        }
    }

    // kernels/gemm.cu, float32 throughout: a block of 128 threads per 64 x 64 tile; operands are read in 16-byte pieces.
    private static void CudaProduct(string layout, Tensor a, Tensor b, Tensor? bias, Tensor c, int m, int n, int k, bool accumulate)
    {
        var launch = new CudaLaunch(a, "gemm", $"gemm_{layout}");
        launch.Add(a, b);
        launch.Add(bias);
        launch.Add(c);
        launch.Add(m, n, k);
        launch.Add(accumulate);
        launch.Run(new dim3((n + 63) / 64, (m + 63) / 64), new dim3(128));
    }

    /// <summary>Whether rows of both matrices are whole 16-byte pieces, which the matrix kernels read.</summary>
    private static bool FitsVectors(Tensor weight) => weight.Shape[0] % 4 == 0 && weight.Shape[1] % 4 == 0;

    /// <summary>The same product as a 1x1 convolution of one pixel per row, whose kernels take any number of channels.</summary>
    private static ConvolutionShape AsConvolution(OperatorCall call) =>
        new(call[0].Shape.Rows, 1, 1, call[1].Shape[1], call[1].Shape[0], 1, 1, 1, 0, 1);
}
