using CsUnet.Cuda;
using CsUnet.Cuda.BasicTypes;
using CsUnet.Cuda.Dnn;
using CsUnet.Kernels;
using CsUnet.Tensors;
using CsUnet.Verification;

namespace CsUnet.Lab;

/// <summary>A convolution by cuDNN over channels-last tensors, with the algorithm that cuDNN estimates to be the fastest.</summary>
internal static class CudnnConvolution
{
    public static Baseline Create(CudaDNNContext dnn, Conv2d op, OperatorCase item, Pass pass, DType type, Device device)
    {
        Tensor[] inputs = Baselines.Operands(item, type, device);
        Tensor x = inputs[0], w = inputs[1], y = OperatorCall.Run(op, x, w);
        Tensor dx = Tensor.EmptyLike(x), dw = Tensor.EmptyLike(w);
        cudnnDataType element = type == DType.BFloat16 ? cudnnDataType.BFloat16 : cudnnDataType.Float;
        // The returned actions keep them alive.
        var input = new TensorDescriptor();
        var output = new TensorDescriptor();
        var filter = new FilterDescriptor();
        var convolution = new ConvolutionDescriptor();
        input.SetTensor4dDescriptor(cudnnTensorFormat.NHWC, element, x.Shape[0], x.Shape[3], x.Shape[1], x.Shape[2]);
        output.SetTensor4dDescriptor(cudnnTensorFormat.NHWC, element, y.Shape[0], y.Shape[3], y.Shape[1], y.Shape[2]);
        filter.SetFilter4dDescriptor(element, cudnnTensorFormat.NHWC, w.Shape[0], w.Shape[3], w.Shape[1], w.Shape[2]);
        convolution.SetConvolution2dDescriptor(op.Padding, op.Padding, op.Stride, op.Stride, 1, 1, cudnnConvolutionMode.CrossCorrelation,
            cudnnDataType.Float);
        convolution.SetConvolutionGroupCount(op.Groups);
        bool tf32 = Precisions.Of(type, device) == Precision.Tf32;
        convolution.SetConvolutionMathType(type == DType.BFloat16 ? cudnnMathType.TensorOpMath : tf32
            ? cudnnMathType.DefaultMath
            : cudnnMathType.FMAMath);
        string name = $"cuDNN {CudaDNNContext.GetVersion()}";
        if (pass == Pass.Forward)
        {
            var algorithm = dnn.GetConvolutionForwardAlgorithm_v7(input, filter, convolution, output)[0].Algorithm;
            CudaDeviceVariable<byte>? space =
                Allocate(dnn.GetConvolutionForwardWorkspaceSize(input, filter, convolution, output, algorithm));
            return new Baseline(name, () => dnn.ConvolutionForward(
                1, input, x.DevicePointer, filter, w.DevicePointer, convolution, algorithm, space, 0, output, y.DevicePointer));
        }
        var dataAlgorithm = dnn.GetConvolutionBackwardDataAlgorithm_v7(filter, output, convolution, input)[0].Algorithm;
        var filterAlgorithm = dnn.GetConvolutionBackwardFilterAlgorithm_v7(input, output, convolution, filter)[0].Algorithm;
        CudaDeviceVariable<byte>? dataSpace =
            Allocate(dnn.GetConvolutionBackwardDataWorkspaceSize(filter, output, convolution, input, dataAlgorithm));
        CudaDeviceVariable<byte>? filterSpace =
            Allocate(dnn.GetConvolutionBackwardFilterWorkspaceSize(input, output, convolution, filter, filterAlgorithm));
        return new Baseline(name, () =>
        {
            dnn.ConvolutionBackwardData(
                1, filter, w.DevicePointer, output, y.DevicePointer, convolution, dataAlgorithm, dataSpace, 0, input, dx.DevicePointer);
            dnn.ConvolutionBackwardFilter(
                1, input, x.DevicePointer, output, y.DevicePointer, convolution, filterAlgorithm, filterSpace, 0, filter, dw.DevicePointer);
        });
    }

    private static CudaDeviceVariable<byte>? Allocate(SizeT bytes) => bytes > 0 ? new CudaDeviceVariable<byte>((long)(ulong)bytes) : null;
}
