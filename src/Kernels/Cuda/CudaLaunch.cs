using CsUnet.Cuda;
using CsUnet.Cuda.BasicTypes;
using CsUnet.Tensors;

namespace CsUnet.Kernels.Cuda;

/// <summary>
/// One launch: a kernel of kernels/FILE.cu and its arguments in order. A tensor becomes a device pointer, null a null pointer.
/// </summary>
internal ref struct CudaLaunch
{
    /// <summary>Threads per block of the kernels that loop over elements or rows.</summary>
    public const int Threads = 256;

    /// <summary>The most blocks along the second or third dimension of a grid; the first allows 2^31 - 1.</summary>
    public const int MostBlocksDown = 65535;

    private readonly CudaDevice _device;
    private readonly string _file, _kernel;
    private KernelArguments _arguments;
    private long _tensorBytes;

    /// <summary>A launch of a kernel whose name ends with the element type of <paramref name="like"/>.</summary>
    /// <param name="like">A tensor on the device, of the kernel's type.</param>
    /// <param name="file">The source, without folder and extension.</param>
    /// <param name="kernel">The kernel's name without the element type.</param>
    /// <param name="typed">Whether the kernel's name ends with its element type.</param>
    public CudaLaunch(Tensor like, string file, string kernel, bool typed = true)
    {
        (_device, _file, _kernel) = (like.CudaDevice, file, typed ? $"{kernel}_{Storage(like, kernel)}" : kernel);
        _arguments = new KernelArguments();
    }

    /// <summary>A launch of a kernel by its full name.</summary>
    public CudaLaunch(CudaDevice device, string file, string kernel)
    {
        (_device, _file, _kernel) = (device, file, kernel);
        _arguments = new KernelArguments();
    }

    /// <summary>
    /// A launch of a kernel that multiplies matrices. Its name ends with bf16 for bfloat16 tensors. For float32 tensors it ends with tf32
    /// or float32, depending on the precision of the call.
    /// </summary>
    public static CudaLaunch OnMatrices(OperatorCall call, Tensor like, string file, string kernel) =>
        new(like.CudaDevice, file, $"{kernel}_{MatrixType(call, like, kernel)}");

    /// <summary>The end of the name of a kernel that multiplies matrices: float32, tf32 or bf16.</summary>
    public static string MatrixType(OperatorCall call, Tensor like, string kernel) =>
        Storage(like, kernel) is var type && type == "float32" && call.Precision == Precision.Tf32 ? "tf32" : type;

    private static string Storage(Tensor like, string kernel) => like.DType switch
    {
        DType.Float32 => "float32",
        DType.BFloat16 => "bf16",
        _ => throw new NotSupportedException(
            $"{kernel}: the CUDA kernels compute in float32 and bfloat16, not {like.DType.Label()}; compute it on the CPU"),
    };

    /// <summary>Adds a tensor, or a null pointer.</summary>
    public void Add(Tensor? tensor)
    {
        _arguments.Add(tensor?.DevicePointer ?? default);
        _tensorBytes += tensor?.Bytes ?? 0;
    }

    /// <summary>Counts bytes that the kernel moves through addresses stored in memory, which its arguments do not show.</summary>
    public void AddTraffic(long bytes) => _tensorBytes += bytes;

    /// <summary>Adds several tensors.</summary>
    public void Add(Tensor first, Tensor second, params ReadOnlySpan<Tensor> more)
    {
        Add(first);
        Add(second);
        foreach (Tensor tensor in more)
            Add(tensor);
    }

    /// <summary>Adds numbers of the C type int.</summary>
    public void Add(int first, params ReadOnlySpan<int> more)
    {
        _arguments.Add(first);
        foreach (int value in more)
            _arguments.Add(value);
    }

    /// <summary>Adds a number of the C type long long.</summary>
    public void Add(long value) => _arguments.Add(value);

    /// <summary>Adds a number of the C type unsigned.</summary>
    public void Add(uint value) => _arguments.Add(value);

    /// <summary>Adds a number of the C type unsigned long long.</summary>
    public void Add(ulong value) => _arguments.Add(value);

    /// <summary>Adds a number of the C type float.</summary>
    public void Add(float value) => _arguments.Add(value);

    /// <summary>Adds a flag, which kernels take as an int.</summary>
    public void Add(bool value) => _arguments.Add(value ? 1 : 0);

    /// <summary>
    /// Launches a kernel that strides over <paramref name="elements"/> elements, four at a time, with just enough blocks to fill the
    /// device.
    /// </summary>
    public void RunOver(long elements)
    {
        int multiprocessors = _device.Properties.MultiProcessorCount;
        Run(new dim3((int)Math.Clamp((elements + 4 * Threads - 1) / (4 * Threads), 1, 16L * multiprocessors)), new dim3(Threads));
    }

    /// <summary>
    /// Launches a kernel that strides over rows, with <paramref name="group"/> lanes of a warp per row, in at most four blocks per
    /// multiprocessor.
    /// </summary>
    public void RunOverGroups(long rows, int group) => Run(new dim3(GroupBlocks(_device, rows, group)), new dim3(Threads));

    /// <summary>The number of blocks of <see cref="RunOverGroups"/>, which determines the size of the partial results.</summary>
    public static int GroupBlocks(CudaDevice device, long rows, int group)
    {
        int rowsPerBlock = Threads / Math.Min(group, 32);
        return (int)Math.Clamp(Ceiling.Divide(rows, rowsPerBlock), 1, 4L * device.Properties.MultiProcessorCount);
    }

    /// <summary>Launches a kernel that strides over (rows, elements), four elements of a row at a time if possible.</summary>
    public void RunOverRows(long rows, int elements)
    {
        // Narrow rows share a warp: a block is as wide as the next power of two above a row's packs, and has 256 threads.
        int packs = elements % 4 == 0 ? elements / 4 : elements;
        int width = (int)Math.Clamp(System.Numerics.BitOperations.RoundUpToPowerOf2((uint)packs), 8, Threads), height = Threads / width;
        Run(new dim3(Ceiling.Divide(packs, width), (int)Math.Min(MostBlocksDown, Ceiling.Divide(rows, height))), new dim3(width, height));
    }

    /// <summary>Launches with a given grid and block.</summary>
    public void Run(dim3 grid, dim3 block, int dynamicShared = 0)
    {
        if (DryRun.IsActive)
            return;
        LaunchTrace.Current?.Add(new LaunchTrace.Entry(_file, _kernel, grid, block, dynamicShared, _tensorBytes));
        KernelLibrary.Launch(_device, _file, _kernel, grid, block, ref _arguments, dynamicShared);
    }
}
