using CsUnet.Cuda;
using CsUnet.Cuda.BasicTypes;
using CsUnet.Kernels.Cuda;
using CsUnet.Tensors;

namespace CsUnet.Kernels.Custom;

/// <summary>
/// One launch of a kernel of a <see cref="CudaSource"/>. Add its arguments in the kernel's order, then run it; it runs after all earlier
/// work of the device. Use it inside an operator's passes, which keep the tensors alive.
/// </summary>
public ref struct CudaKernelLaunch
{
    /// <summary>Threads per block of <see cref="RunOver"/>.</summary>
    public const int Threads = CudaLaunch.Threads;

    private CudaLaunch _launch;

    /// <summary>Begins a launch.</summary>
    /// <param name="source">The source.</param>
    /// <param name="kernel">The name of its EXPORT_KERNEL line.</param>
    /// <param name="device">Where.</param>
    /// <exception cref="ArgumentException">The source exports no such kernel, or the device is not a CUDA device.</exception>
    public CudaKernelLaunch(CudaSource source, string kernel, Device device)
    {
        if (device.Kind != DeviceKind.Cuda)
            throw new ArgumentException($"{source.Name}: kernel {kernel} was launched on {device}, expected a CUDA device", nameof(device));
        if (!source.Kernels.Contains(kernel))
            throw new ArgumentException(
                $"{source.Name} exports no kernel '{kernel}'; it exports {string.Join(", ", source.Kernels)}", nameof(kernel));
        _launch = new CudaLaunch(CudaDevice.Get(device), source.Key, kernel);
    }

    /// <summary>Adds tensors as pointers, null as a null pointer.</summary>
    /// <exception cref="InvalidOperationException">A tensor is not on a CUDA device.</exception>
    public void Add(Tensor? first, params ReadOnlySpan<Tensor?> more)
    {
        _launch.Add(first);
        foreach (Tensor? tensor in more)
            _launch.Add(tensor);
    }

    /// <summary>Adds a number of the C type int.</summary>
    public void Add(int value) => _launch.Add(value);

    /// <summary>Adds a number of the C type long long.</summary>
    public void Add(long value) => _launch.Add(value);

    /// <summary>Adds a number of the C type float.</summary>
    public void Add(float value) => _launch.Add(value);

    /// <summary>Adds a flag as an int, 1 or 0.</summary>
    public void Add(bool value) => _launch.Add(value);

    /// <summary>
    /// Launches blocks of <see cref="Threads"/> threads, enough to fill the device and at most one thread per four elements. It suits
    /// kernels that stride over elements, as <c>for_each_pack</c> of <c>common.cuh</c> does.
    /// </summary>
    /// <exception cref="CudaException">The source does not compile, or the launch fails.</exception>
    public void RunOver(long elements) => _launch.RunOver(elements);

    /// <summary>Launches with a given grid and block.</summary>
    /// <param name="grid">Blocks.</param>
    /// <param name="block">Threads of a block.</param>
    /// <param name="dynamicShared">Bytes of dynamic shared memory of a block.</param>
    /// <exception cref="CudaException">The source does not compile, or the launch fails.</exception>
    public void Run(dim3 grid, dim3 block, int dynamicShared = 0) => _launch.Run(grid, block, dynamicShared);
}
