using System.Runtime.InteropServices;
using CsUnet.Cuda.BasicTypes;
using CsUnet.Cuda.Native;

namespace CsUnet.Cuda;

/// <summary>
/// A kernel of a loaded module, with its launch shape.
/// </summary>
/// <remarks>
/// <see cref="GridDimensions"/>, <see cref="BlockDimensions"/> and <see cref="DynamicSharedMemory"/> belong to the object: set them
/// and launch on one thread. Several threads may call the overloads of
/// <see cref="Launch(CUstream, dim3, dim3, uint, ReadOnlySpan{nint})"/> that take the shape as arguments.
/// </remarks>
public sealed unsafe class CudaKernel
{
    private readonly ResourceHandle _module;
    private readonly CUfunction _function;

    /// <summary>Gets a kernel of a module in the current context. Block (16, 16, 1), grid (1, 1, 1), no dynamic shared memory.</summary>
    /// <param name="kernelName">Its (lowered) name.</param>
    /// <param name="module">The module, from <see cref="CudaContext.LoadModulePTX(byte[])"/> or <see cref="CudaModule.Module"/>.</param>
    /// <exception cref="CudaException">The module has no such kernel, or is not one of the current context.</exception>
    public CudaKernel(string kernelName, CUmodule module)
        : this(ContextState.RequireCurrent("CudaKernel").Find(ResourceKind.Module, module.Pointer)
            ?? throw new CudaException(CUResult.ErrorInvalidHandle, $"CudaKernel({kernelName}, module=0x{module.Pointer:x})",
                "the current context has no such module (any more): was it unloaded, or loaded in another context?"), kernelName)
    {
    }

    /// <summary>Gets a kernel of a module and sets its launch shape.</summary>
    /// <param name="kernelName">Its (lowered) name.</param>
    /// <param name="module">The module.</param>
    /// <param name="blockDim">Threads per block.</param>
    /// <param name="gridDim">Blocks.</param>
    public CudaKernel(string kernelName, CUmodule module, dim3 blockDim, dim3 gridDim) : this(kernelName, module)
        => (BlockDimensions, GridDimensions) = (blockDim, gridDim);

    internal CudaKernel(ResourceHandle module, string kernelName)
    {
        _module = module;
        KernelName = kernelName;
        CUfunction function = default;
        CUmodule handle = new(module.Enter($"CudaKernel {kernelName}"));
        Driver.Check(DriverNative.cuModuleGetFunction(&function, handle, kernelName),
            $"cuModuleGetFunction(name={kernelName}, module={module.Name})");
        _function = function;
        MaxThreadsPerBlock = Read(CUFunctionAttribute.MaxThreadsPerBlock);
        SharedMemory = Read(CUFunctionAttribute.SharedSizeBytes);
        ConstMemory = Read(CUFunctionAttribute.ConstSizeBytes);
        LocalMemory = Read(CUFunctionAttribute.LocalSizeBytes);
        Registers = Read(CUFunctionAttribute.NumRegs);
        int ptx = Read(CUFunctionAttribute.PTXVersion), binary = Read(CUFunctionAttribute.BinaryVersion);
        PtxVersion = new Version(ptx / 10, ptx % 10);
        BinaryVersion = new Version(binary / 10, binary % 10);
    }

    /// <summary>The (lowered) name.</summary>
    public string KernelName { get; }

    /// <summary>The driver's handle.</summary>
    public CUfunction CUFunction
    {
        get
        {
            _ = _module.Value;
            return _function;
        }
    }

    /// <summary>The driver's handle of the module.</summary>
    public CUmodule CUModule => new(_module.Value);

    /// <summary>Blocks of a launch.</summary>
    public dim3 GridDimensions { get; set; } = new(1u);

    /// <summary>Threads per block of a launch.</summary>
    public dim3 BlockDimensions { get; set; } = new(16u, 16u);

    /// <summary>Bytes of dynamic shared memory per block of a launch.</summary>
    public uint DynamicSharedMemory { get; set; }

    /// <summary>Maximum threads in a block.</summary>
    public int MaxThreadsPerBlock { get; }

    /// <summary>Bytes of static shared memory per block.</summary>
    public int SharedMemory { get; }

    /// <summary>Bytes of constant memory.</summary>
    public int ConstMemory { get; }

    /// <summary>Bytes of local memory per thread; more than 0 means that registers spill or arrays are indexed at run time.</summary>
    public int LocalMemory { get; }

    /// <summary>Registers per thread.</summary>
    public int Registers { get; }

    /// <summary>The PTX version of the code.</summary>
    public Version PtxVersion { get; }

    /// <summary>The compute capability of the code.</summary>
    public Version BinaryVersion { get; }

    /// <summary>
    /// Maximum bytes of dynamic shared memory of a launch. For more than the default (48 KiB less the static part) a kernel must opt
    /// in by setting this, up to <see cref="CudaDeviceProperties.MaxSharedMemoryPerBlockOptin"/> less the static part.
    /// </summary>
    public int MaxDynamicSharedMemory
    {
        get => Read(CUFunctionAttribute.MaxDynamicSharedSizeBytes);
        set => Write(CUFunctionAttribute.MaxDynamicSharedSizeBytes, value);
    }

    /// <summary>Preferred share of the L1 cache to use as shared memory, in percent; -1 for the driver's choice. A hint.</summary>
    public int PreferredSharedMemoryCarveout
    {
        get => Read(CUFunctionAttribute.PreferredSharedMemoryCarveout);
        set => Write(CUFunctionAttribute.PreferredSharedMemoryCarveout, value);
    }

    /// <summary>Occupancy: the number of blocks that can be resident on a multiprocessor.</summary>
    /// <param name="blockSize">Threads per block.</param>
    /// <param name="dynamicSMemSize">Bytes of dynamic shared memory per block.</param>
    public int GetOccupancyMaxActiveBlocksPerMultiprocessor(int blockSize, SizeT dynamicSMemSize)
    {
        _module.Enter(KernelName);
        int blocks = 0;
        Driver.Check(DriverNative.cuOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, _function, blockSize, (nuint)(ulong)dynamicSMemSize),
            $"cuOccupancyMaxActiveBlocksPerMultiprocessor(kernel={KernelName}, blockSize={blockSize}, " +
                $"dynamicSharedMemory={dynamicSMemSize})");
        return blocks;
    }

    /// <summary>Sets <see cref="GridDimensions"/> to cover at least the given number of threads along each dimension.</summary>
    public void SetComputeSize(uint computeSizeX, uint computeSizeY = 1, uint computeSizeZ = 1)
    {
        dim3 block = BlockDimensions;
        GridDimensions = new dim3(Blocks(computeSizeX, block.x), Blocks(computeSizeY, block.y), Blocks(computeSizeZ, block.z));

        static uint Blocks(uint threads, uint block) => (uint)(((ulong)threads + block - 1) / block);
    }

    /// <summary>Launches on the default stream and waits.</summary>
    /// <param name="parameters">
    /// The kernel's arguments: numbers and structs of the parameters' types, <see cref="CUdeviceptr"/> or <see
    /// cref="CudaDeviceVariable{T}"/> for pointers.
    /// </param>
    /// <returns>The time the kernel took, in milliseconds.</returns>
    public float Run(params object[] parameters)
    {
        using var start = new CudaEvent();
        using var stop = new CudaEvent();
        start.Record();
        RunAsync(CUstream.NullStream, parameters);
        stop.Record();
        stop.Synchronize();
        return CudaEvent.ElapsedTime(start, stop);
    }

    /// <summary>
    /// Launches on a stream and returns at once. Boxes its arguments; <see cref="KernelArguments"/> avoids that.
    /// </summary>
    /// <param name="stream">The stream.</param>
    /// <param name="parameters">The kernel's arguments; see <see cref="Run"/>.</param>
    public void RunAsync(CUstream stream, params object[] parameters)
    {
        var arguments = new GCHandle[parameters.Length];
        void** pointers = stackalloc void*[Math.Max(1, parameters.Length)];
        try
        {
            for (int i = 0; i < parameters.Length; i++)
            {
                arguments[i] = GCHandle.Alloc(Blittable(parameters[i], i), GCHandleType.Pinned);
                pointers[i] = (void*)arguments[i].AddrOfPinnedObject();
            }
            LaunchCore(stream, GridDimensions, BlockDimensions, DynamicSharedMemory, pointers);
        }
        finally
        {
            foreach (GCHandle argument in arguments)
                if (argument.IsAllocated)
                    argument.Free();
        }
    }

    /// <summary>Launches on a stream with the object's launch shape. Allocates nothing.</summary>
    /// <param name="stream">The stream.</param>
    /// <param name="arguments">The kernel's arguments.</param>
    public void Launch(CUstream stream, ref KernelArguments arguments)
        => Launch(stream, GridDimensions, BlockDimensions, DynamicSharedMemory, ref arguments);

    /// <summary>Launches on a stream. Allocates nothing.</summary>
    /// <param name="stream">The stream.</param>
    /// <param name="grid">Blocks.</param>
    /// <param name="block">Threads per block.</param>
    /// <param name="dynamicSharedMemory">Bytes of dynamic shared memory per block.</param>
    /// <param name="arguments">The kernel's arguments.</param>
    public void Launch(CUstream stream, dim3 grid, dim3 block, uint dynamicSharedMemory, ref KernelArguments arguments)
    {
        void** pointers = stackalloc void*[KernelArguments.MaxCount];
        arguments.Point(pointers);
        LaunchCore(stream, grid, block, dynamicSharedMemory, pointers);
    }

    /// <summary>Launches a kernel whose only parameter is a struct, on a stream with the object's shape. Allocates nothing.</summary>
    /// <typeparam name="T">A struct with the layout of the kernel's.</typeparam>
    /// <param name="stream">The stream.</param>
    /// <param name="argument">Its value.</param>
    public void Launch<T>(CUstream stream, in T argument) where T : unmanaged
    {
        T copy = argument;
        void* pointer = &copy;
        LaunchCore(stream, GridDimensions, BlockDimensions, DynamicSharedMemory, &pointer);
    }

    /// <summary>Launches on a stream. Allocates nothing.</summary>
    /// <param name="stream">The stream.</param>
    /// <param name="grid">Blocks.</param>
    /// <param name="block">Threads per block.</param>
    /// <param name="dynamicSharedMemory">Bytes of dynamic shared memory per block.</param>
    /// <param name="argumentPointers">The address of each argument's value, in the order of the kernel's parameters.</param>
    public void Launch(CUstream stream, dim3 grid, dim3 block, uint dynamicSharedMemory, ReadOnlySpan<nint> argumentPointers)
    {
        fixed (nint* pointers = argumentPointers)
            LaunchCore(stream, grid, block, dynamicSharedMemory, (void**)pointers);
    }

    /// <inheritdoc/>
    public override string ToString()
        => $"{KernelName}: {Registers} registers, {SharedMemory} bytes shared, {LocalMemory} bytes local, at most {MaxThreadsPerBlock} " +
            $"threads";

    private void LaunchCore(CUstream stream, dim3 grid, dim3 block, uint dynamicSharedMemory, void** arguments)
    {
        _module.Enter(KernelName);
        ContextState context = _module.Context;
        context.History.Add(KernelName, grid, block);
        context.Captured?.Enqueue(KernelName);
        CUResult result = DriverNative.cuLaunchKernel(_function, grid.x, grid.y, grid.z, block.x, block.y, block.z, dynamicSharedMemory,
            stream, arguments, null);
        if (result != CUResult.Success)
            throw LaunchFailure(result, stream, grid, block, dynamicSharedMemory);
        if (context.SynchronizeAfterLaunch)
            WaitFor(stream, context);
    }

    private CudaException LaunchFailure(CUResult result, CUstream stream, dim3 grid, dim3 block, uint dynamicSharedMemory)
    {
        string call = $"cuLaunchKernel(kernel={KernelName}, grid={grid}, block={block}, dynamicSharedMemory={dynamicSharedMemory}, " +
            $"stream=0x{stream.Pointer:x})";
        if (Driver.IsDeviceFault(result))
            return Driver.Failure(result, call);
        // The driver reports only "invalid argument" for each of these.
        string? problem = null;
        if (grid.Size == 0 || block.Size == 0)
            problem = "the grid and the block must not be empty";
        else if (grid.x > int.MaxValue || grid.y > ushort.MaxValue || grid.z > ushort.MaxValue)
            problem = $"a grid has at most {int.MaxValue} x {ushort.MaxValue} x {ushort.MaxValue} blocks; launch the kernel on less data, "
                + $"such as a " +
                $"smaller batch";
        else if (block.Size > (ulong)MaxThreadsPerBlock)
            problem = $"the block has {block.Size} threads, this kernel ({Registers} registers) can have at most {MaxThreadsPerBlock}";
        else if (dynamicSharedMemory > MaxDynamicSharedMemory)
            problem = $"{dynamicSharedMemory} bytes of dynamic shared memory exceed the allowed {MaxDynamicSharedMemory}: set " +
                $"MaxDynamicSharedMemory first";
        CudaException failure = Driver.Failure(result, call);
        return problem is null ? failure : new CudaException(result, $"{failure.Message}: {problem}", failure);
    }

    private void WaitFor(CUstream stream, ContextState context)
    {
        CUstreamCaptureStatus capture = default;
        Driver.Check(DriverNative.cuStreamIsCapturing(stream, &capture), $"cuStreamIsCapturing(stream=0x{stream.Pointer:x})");
        if (capture != CUstreamCaptureStatus.None)
            return;
        long position = context.History.Position;
        Driver.Check(DriverNative.cuCtxSynchronize(), $"{KernelName}, waited for because of CSUNET_CUDA_SYNC=1");
        context.History.Complete(position);
    }

    private object Blittable(object? parameter, int index) => parameter switch
    {
        null => throw new ArgumentNullException(nameof(CudaKernel),
            $"{KernelName}: argument {index} is null; pass new CUdeviceptr() for a null pointer."),
        bool flag => (byte)(flag ? 1 : 0),
        char => throw new ArgumentException($"{KernelName}: argument {index} is a char, which has another width in C++; pass a " +
            $"byte or a ushort."),
        IDevicePointer memory => memory.Pointer,
        ValueType value => value,
        _ => throw new ArgumentException($"{KernelName}: argument {index} is a {parameter.GetType().Name}; expected a number, a struct, " +
            $"a " +
            "CUdeviceptr or a CudaDeviceVariable. Copy arrays to the device first."),
    };

    private int Read(CUFunctionAttribute attribute)
    {
        _module.Enter(KernelName);
        int value = 0;
        Driver.Check(DriverNative.cuFuncGetAttribute(&value, attribute, _function),
            $"cuFuncGetAttribute({attribute}, kernel={KernelName})");
        return value;
    }

    private void Write(CUFunctionAttribute attribute, int value)
    {
        _module.Enter(KernelName);
        Driver.Check(DriverNative.cuFuncSetAttribute(_function, attribute, value),
            $"cuFuncSetAttribute({attribute}={value}, kernel={KernelName})");
    }
}
