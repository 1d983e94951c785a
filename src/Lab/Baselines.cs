using CsUnet.Cuda;
using CsUnet.Cuda.Blas;
using CsUnet.Cuda.Dnn;
using CsUnet.Kernels;
using CsUnet.Tensors;
using CsUnet.Verification;

namespace CsUnet.Lab;

/// <summary>Baselines: cuBLAS for matrix products and cuDNN for convolutions, if they are installed.</summary>
internal static class Baselines
{
    private const long Workspace = 32L << 20;
    private static readonly Dictionary<Device, CudaBlas> s_blas = [];
    private static readonly Dictionary<Device, CudaDNNContext> s_dnn = [];
    private static readonly List<CudaDeviceVariable<byte>> s_workspaces = [];

    /// <summary>The library's version of a pass; null if the operator, the device or this machine has none.</summary>
    public static Baseline? Of(OperatorCase item, Pass pass, DType type, Device device)
    {
        if (device.Kind != DeviceKind.Cuda || CudaLibraries.IsEmulated)
            return null;
        return item.Op switch
        {
            Linear when CudaLibraries.TryLoad(CudaLibrary.CuBlas, out _) => MatrixProduct(item, pass, type, device),
            Conv2d convolution when CudaLibraries.TryLoad(CudaLibrary.CuDnn, out _) =>
                CudnnConvolution.Create(Dnn(device), convolution, item, pass, type, device),
            _ => null,
        };
    }

    /// <summary>c = a b of square matrices, by cuBLAS if it is installed, otherwise by the engine's kernel.</summary>
    public static Action Product(Device device, Tensor a, Tensor b, Tensor c)
    {
        if (!CudaLibraries.TryLoad(CudaLibrary.CuBlas, out _))
            return () => OperatorCall.Run(new Linear(), a, b);
        int n = a.Shape[0];
        CudaBlas blas = Blas(device);
        return () => blas.GemmEx(Operation.NonTranspose, Operation.NonTranspose, n, n, n, 1, b.DevicePointer, cudaDataType.CUDA_R_32F, n,
            a.DevicePointer, cudaDataType.CUDA_R_32F, n, 0, c.DevicePointer, cudaDataType.CUDA_R_32F, n, Compute(device, DType.Float32));
    }

    // A row-major matrix is the transpose of a column-major one, so the operands are swapped.
    private static Baseline MatrixProduct(OperatorCase item, Pass pass, DType type, Device device)
    {
        Tensor[] inputs = Operands(item, type, device);
        int rows = inputs[0].Shape.Rows, k = inputs[0].Shape.Last, n = inputs[1].Shape[0];
        Tensor output = OperatorCase.CreateCotangent([rows, n], type).To(device), dInput = Tensor.EmptyLike(inputs[0]),
            dWeight = Tensor.EmptyLike(inputs[1]);
        CudaBlas blas = Blas(device);
        cudaDataType element = type == DType.BFloat16 ? cudaDataType.CUDA_R_16BF : cudaDataType.CUDA_R_32F;
        ComputeType compute = Compute(device, type);
        return new Baseline($"cuBLAS {blas.GetVersion()}", pass == Pass.Forward
            ? () => blas.GemmEx(Operation.Transpose, Operation.NonTranspose, n, rows, k, 1, inputs[1].DevicePointer, element, k,
                inputs[0].DevicePointer, element, k, 0, output.DevicePointer, element, n, compute)
            : () =>
            {
                blas.GemmEx(Operation.NonTranspose, Operation.NonTranspose, k, rows, n, 1, inputs[1].DevicePointer, element, k,
                    output.DevicePointer, element, n, 0, dInput.DevicePointer, element, k, compute);
                blas.GemmEx(Operation.NonTranspose, Operation.Transpose, k, n, rows, 1, inputs[0].DevicePointer, element, k,
                    output.DevicePointer, element, n, 0, dWeight.DevicePointer, element, k, compute);
            });
    }

    /// <summary>Input and weight of a case, both of the same type, as the libraries require.</summary>
    public static Tensor[] Operands(OperatorCase item, DType type, Device device) =>
        [.. item.CreateInputs(type)[..2].Select(input => input!.Value.To(type).To(device))];

    private static ComputeType Compute(Device device, DType type) =>
        Precisions.Of(type, device) == Precision.Tf32 ? ComputeType.Compute32FFastTF32 : ComputeType.Compute32F;

    private static CudaBlas Blas(Device device)
    {
        CudaDevice cuda = CudaDevice.Get(device);
        if (!s_blas.TryGetValue(device, out CudaBlas? blas))
        {
            s_blas.Add(device, blas = new CudaBlas(cuda.Stream.Stream));
            var workspace = new CudaDeviceVariable<byte>(Workspace);
            s_workspaces.Add(workspace);
            blas.SetWorkspace(workspace);
        }
        return blas;
    }

    private static CudaDNNContext Dnn(Device device)
    {
        CudaDevice cuda = CudaDevice.Get(device);
        if (!s_dnn.TryGetValue(device, out CudaDNNContext? dnn))
        {
            s_dnn.Add(device, dnn = new CudaDNNContext());
            dnn.SetStream(cuda.Stream);
        }
        return dnn;
    }
}
