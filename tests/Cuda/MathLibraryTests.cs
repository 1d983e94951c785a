using CsUnet.Cuda;
using Xunit;

namespace CsUnet.Tests.Cuda;

/// <summary>
/// cuBLAS and cuDNN need a GPU: here a fake library records what reaches it, which proves signatures, orders and types of arguments; that
/// the results are right is checked on a GPU.
/// </summary>
public class MathLibraryTests
{
    [Fact]
    public void Blas() => DriverTests.Run("fake", BlasOn);

    [Fact]
    public void Dnn() => DriverTests.Run("fake", DnnOn);

    private static void BlasOn(string library)
    {
        using PrimaryContext context = ErrorTests.Start(library);
        using var stream = new CudaStream();
        using var a = new CudaDeviceVariable<float>(100);
        using var workspace = new CudaDeviceVariable<byte>(4096);
        using (var blas = new CudaBlas(stream.Stream))
        {
            Assert.Equal(stream.Stream, blas.Stream);
            Assert.Equal(new Version(12, 4, 1), blas.GetVersion());
            blas.MathMode = CublasMath.TF32TensorOpMath;
            Assert.Equal(CublasMath.TF32TensorOpMath, blas.MathMode);
            FakeDriver.Calls(library);
            blas.SetWorkspace(workspace);
            blas.Gemm(Operation.Transpose, Operation.NonTranspose, 2, 3, 4, 0.5f, a, 5, a, 6, 0.25f, a, 7);
            blas.GemmEx(Operation.NonTranspose, Operation.Transpose, 2, 3, 4, 1, a.DevicePointer, cudaDataType.CUDA_R_16BF, 5,
                a.DevicePointer,
                cudaDataType.CUDA_R_16F, 6, 0, a.DevicePointer, cudaDataType.CUDA_R_32F, 7, ComputeType.Compute32F);
            blas.GemmStridedBatchedEx(Operation.NonTranspose, Operation.Transpose, 2, 3, 4, 1, a.DevicePointer, cudaDataType.CUDA_R_32F, 5,
                50,
                a.DevicePointer, cudaDataType.CUDA_R_32F, 6, 60, 0, a.DevicePointer, cudaDataType.CUDA_R_32F, 7, 70, 8,
                    ComputeType.Compute32FFastTF32);
            Assert.Equal("workspace 4096\nsgemm 1 0 2 3 4 0.5 0.25 5 6 7\ngemmex 0 1 2 3 4 1 0 14 5 2 6 0 7 68 -1\n" +
                "batched 0 1 2 3 4 1 0 0 5 50 0 6 60 0 7 70 8 77 -1\n", FakeDriver.Calls(library));
            FakeDriver.Fail(library, "cublasSgemm", 13);
            var failure = Assert.Throws<CudaBlasException>(() => blas.Gemm(Operation.Transpose, Operation.NonTranspose, 2, 3, 4, 1, a, 5,
                a, 6, 0, a, 7));
            Assert.Equal(CublasStatus.ExecutionFailed, failure.CudaBlasError);
            Assert.Contains("cublasSgemm(Transpose, NonTranspose, m=2, n=3, k=4", failure.Message);
            Assert.Contains("failed to launch", failure.Message);
        }
        Assert.Equal("cublasDestroy\n", FakeDriver.Calls(library));
    }

    private static void DnnOn(string library)
    {
        CudaLibraries.Redirect(CudaLibrary.CuDnn, library);
        using PrimaryContext context = ErrorTests.Start(library);
        Assert.Equal(new Version(9, 1, 0), CudaDNNContext.GetVersion());
        using var stream = new CudaStream();
        using var data = new CudaDeviceVariable<float>(100);
        using var workspace = new CudaDeviceVariable<byte>(4096);
        using var dnn = new CudaDNNContext();
        dnn.SetStream(stream);
        Assert.Equal(stream.Stream, dnn.GetStream());
        FakeDriver.Calls(library);
        using TensorDescriptor x = new(), y = new();
        using var w = new FilterDescriptor();
        using var convolution = new ConvolutionDescriptor();
        x.SetTensor4dDescriptor(cudnnTensorFormat.NHWC, cudnnDataType.BFloat16, 1, 2, 3, 4);
        w.SetFilter4dDescriptor(cudnnDataType.Float, cudnnTensorFormat.NHWC, 5, 6, 7, 8);
        convolution.SetConvolution2dDescriptor(1, 2, 3, 4, 5, 6, cudnnConvolutionMode.CrossCorrelation, cudnnDataType.Float);
        convolution.SetConvolutionGroupCount(2);
        convolution.SetConvolutionMathType(cudnnMathType.FMAMath);
        Assert.Equal("tensor 1 9 1 2 3 4\nfilter 0 1 5 6 7 8\nconvolution 1 2 3 4 5 6 1 0\ngroups 2\nmath 3\n", FakeDriver.Calls(library));
        int n = 0, c = 0, h = 0, width = 0;
        convolution.GetConvolution2dForwardOutputDim(x, w, ref n, ref c, ref h, ref width);
        Assert.Equal((1, 2, 3, 4), (n, c, h, width));

        // The fake offers algorithms 2, 1 (which failed) and 0.
        var forward = dnn.GetConvolutionForwardAlgorithm_v7(x, w, convolution, y);
        Assert.Equal([cudnnConvolutionFwdAlgo.GEMM, cudnnConvolutionFwdAlgo.ImplicitGEMM], forward.Select(found => found.Algorithm));
        Assert.Equal((1002, cudnnDeterminism.Deterministic, cudnnMathType.FMAMath), ((int)forward[1].Memory, forward[1].Determinism,
            forward[1].MathType));
        Assert.Equal(cudnnConvolutionBwdDataAlgo.FFT, dnn.GetConvolutionBackwardDataAlgorithm_v7(w, y, convolution, x)[0].Algorithm);
        Assert.Equal(cudnnConvolutionBwdFilterAlgo.FFT, dnn.GetConvolutionBackwardFilterAlgorithm_v7(x, y, convolution, w)[0].Algorithm);
        Assert.Equal(101, (int)dnn.GetConvolutionForwardWorkspaceSize(x, w, convolution, y, cudnnConvolutionFwdAlgo.ImplicitPrecompGEMM));
        Assert.Equal(201, (int)dnn.GetConvolutionBackwardDataWorkspaceSize(w, y, convolution, x, cudnnConvolutionBwdDataAlgo.Algo1));
        Assert.Equal(301, (int)dnn.GetConvolutionBackwardFilterWorkspaceSize(x, y, convolution, w, cudnnConvolutionBwdFilterAlgo.Algo1));

        CUdeviceptr p = data.DevicePointer;
        dnn.ConvolutionForward(1, x, p, w, p, convolution, cudnnConvolutionFwdAlgo.ImplicitPrecompGEMM, workspace, 0.5f, y, p);
        dnn.ConvolutionForward(1, x, p, w, p, convolution, cudnnConvolutionFwdAlgo.ImplicitGEMM, null, 0, y, p);
        dnn.ConvolutionBackwardData(2, w, p, y, p, convolution, cudnnConvolutionBwdDataAlgo.Algo1, workspace, 0, x, p);
        dnn.ConvolutionBackwardFilter(3, x, p, y, p, convolution, cudnnConvolutionBwdFilterAlgo.Algo1, workspace, 1, w, p);
        Assert.Equal("forward 1 0.5 algo 1 workspace 4096 1\nforward 1 0 algo 0 workspace 0 0\ndata 2 0 algo 1 workspace 4096\nweights " +
            "3 1 algo 1 workspace 4096\n",
            FakeDriver.Calls(library));
        FakeDriver.Fail(library, "cudnnConvolutionForward", 3000);
        var failure = Assert.Throws<CudaDNNException>(() => dnn.ConvolutionForward(1, x, p, w, p, convolution, cudnnConvolutionFwdAlgo.FFT,
            null, 0, y, p));
        Assert.Contains("CUDNN_STATUS_NOT_SUPPORTED (3000)", failure.Message);
        Assert.Contains("FFT, workspace=0 bytes", failure.Message);
        x.Dispose();
        Assert.Throws<ObjectDisposedException>(() => x.Desc);
    }
}
