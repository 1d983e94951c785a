using CsUnet.Cuda;
using CsUnet.Cuda.BasicTypes;
using CsUnet.Cuda.Blas;
using CsUnet.Cuda.Dnn;

namespace CsUnet.Tests.Cuda;

/// <summary>
/// cuBLAS and cuDNN need a GPU. Here a fake library records the calls that reach it, which tests signatures, orders and types of arguments.
/// The emulated device implements the few functions of cuBLAS that the engine calls, so their results are tested too.
/// </summary>
public class MathLibraryTests
{
    [Fact]
    public void Arguments_of_cuBLAS() => DriverTests.Run("fake", BlasOn);

    [Fact]
    public void Arguments_of_cuDNN() => DriverTests.Run("fake", DnnOn);

    [Fact]
    public void Products_of_the_emulator() => DriverTests.Run("emulator", ProductsOn);

    private static void ProductsOn(string library)
    {
        using PrimaryContext context = ErrorTests.Start(library);
        using var stream = new CudaStream(CUStreamFlags.NonBlocking);
        using var blas = new CudaBlas(stream.Stream);
        Assert.Equal(stream.Stream, blas.Stream);
        const int M = 3, N = 2, K = 5, Batches = 2;
        // 1 + 2^-11 is exact in float32, but is rounded to 1 in tf32 and bf16.
        float[] left = [.. Enumerable.Range(0, Batches * M * K).Select(i => i % 7 - 3 + 1f / 2048)];
        float[] right = [.. Enumerable.Range(0, Batches * K * N).Select(i => i % 5 - 2f)];
        using CudaDeviceVariable<float> a = left, b = right;
        using var c = new CudaDeviceVariable<float>(Batches * M * N);

        blas.Gemm(Operation.NonTranspose, Operation.NonTranspose, M, N, K, 1, a, M, b, K, 0, c, M);
        Assert.Equal(Product(left, right, 0, transposed: false), Fetch(c)[..(M * N)], Close);
        blas.Gemm(Operation.Transpose, Operation.Transpose, M, N, K, 2, a, K, b, N, 0.5f, c, M);
        Assert.Equal(Product(left, right, 0, false).Zip(Product(left, right, 0, true), (old, now) => 0.5f * old + 2 * now),
            Fetch(c)[..(M * N)], Close);
        blas.GemmStridedBatchedEx(Operation.NonTranspose, Operation.NonTranspose, M, N, K, 1, a.DevicePointer, cudaDataType.CUDA_R_32F, M,
            M * K,
            b.DevicePointer, cudaDataType.CUDA_R_32F, K, K * N, 0, c.DevicePointer, cudaDataType.CUDA_R_32F, M, M * N, Batches,
            ComputeType.Compute32F);
        Assert.Equal([.. Product(left, right, 0, false), .. Product(left, right, 1, false)], Fetch(c), Close);

        blas.MathMode = CublasMath.TF32TensorOpMath;
        blas.Gemm(Operation.NonTranspose, Operation.NonTranspose, M, N, K, 1, a, M, b, K, 0, c, M);
        float[] coarse = [.. left.Select(Tf32)];
        Assert.Equal(Product(coarse, right, 0, false), Fetch(c)[..(M * N)], Close);
        Assert.NotEqual(Product(left, right, 0, false), Product(coarse, right, 0, false));

        using CudaDeviceVariable<ushort> halfA = Halves(coarse), halfB = Halves(right);
        using var halfC = new CudaDeviceVariable<ushort>(M * N);
        blas.GemmEx(Operation.NonTranspose, Operation.NonTranspose, M, N, K, 1, halfA.DevicePointer, cudaDataType.CUDA_R_16BF, M,
            halfB.DevicePointer,
            cudaDataType.CUDA_R_16BF, K, 0, halfC.DevicePointer, cudaDataType.CUDA_R_16BF, M, ComputeType.Compute32F);
        stream.Synchronize();
        // Small integers are exact in bf16.
        float[] whole = [.. coarse.Select(value => MathF.Round(value))];
        Assert.Equal(Product(whole, right, 0, false), ((ushort[])halfC).Select(bits => BitConverter.Int32BitsToSingle(bits << 16)));

        // In stream order, captured and replayed.
        c.MemsetAsync(0u, stream.Stream);
        stream.BeginCapture(CUstreamCaptureMode.ThreadLocal);
        blas.Gemm(Operation.NonTranspose, Operation.NonTranspose, M, N, K, 1, a, M, b, K, 1, c, M);
        using CudaGraph graph = stream.EndCapture();
        Assert.Equal(0, Fetch(c)[0]);
        using CudaGraphExec executable = graph.Instantiate(CUgraphInstantiate_flags.None);
        executable.Launch(stream);
        executable.Launch(stream);
        Assert.Equal(Product(coarse, right, 0, false).Select(value => 2 * value), Fetch(c)[..(M * N)], Close);

        Assert.Equal(CublasStatus.InvalidValue, Assert.Throws<CudaBlasException>(
            () => blas.Gemm(Operation.NonTranspose, Operation.NonTranspose, M, N, K, 1, a, M - 1, b, K, 0, c, M)).CudaBlasError);
        Assert.Equal(CublasStatus.NotSupported,
            Assert.Throws<CudaBlasException>(() => blas.GemmEx(Operation.NonTranspose, Operation.NonTranspose,
            M, N, K, 1, a.DevicePointer, cudaDataType.CUDA_R_64F, M, b.DevicePointer, cudaDataType.CUDA_R_64F, K, 0, c.DevicePointer,
            cudaDataType.CUDA_R_64F, M, ComputeType.Compute32F)).CudaBlasError);

        float[] Fetch(CudaDeviceVariable<float> variable)
        {
            stream.Synchronize();
            return variable;
        }

        static bool Close(float x, float y) => MathF.Abs(x - y) <= 1e-5f;

        static float Tf32(float value) => BitConverter.UInt32BitsToSingle((BitConverter.SingleToUInt32Bits(value) + 0x1000u) & 0xffffe000u);

        static ushort[] Halves(float[] values) =>
            [.. values.Select(value => (ushort)(BitConverter.SingleToUInt32Bits(MathF.Round(value)) >> 16))];

        // Column-major, with or without transposition.
        static float[] Product(float[] a, float[] b, int batch, bool transposed) => [.. Enumerable.Range(0, M * N).Select(at =>
        {
            (int column, int row) = Math.DivRem(at, M);
            return Enumerable.Range(0, K).Sum(k => a[batch * M * K + (transposed ? row * K + k : k * M + row)]
                * b[batch * K * N + (transposed ? k * N + column : column * K + k)]);
        })];
    }

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

        // The fake offers the algorithms 2, 1 (which failed) and 0.
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
