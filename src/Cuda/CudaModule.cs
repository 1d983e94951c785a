using System.Text;
using CsUnet.Cuda.BasicTypes;
using CsUnet.Cuda.Native;
using CsUnet.Cuda.NVRTC;

namespace CsUnet.Cuda;

/// <summary>
/// A loaded module: the kernels and device variables of one cubin or PTX image. Disposing it unloads it; its kernels then throw
/// <see cref="ObjectDisposedException"/>. Members may be called from any thread on which its context is current.
/// </summary>
public sealed unsafe class CudaModule : IDisposable
{
    private const int LogBytes = 16 * 1024;
    private const int JitErrorLogBuffer = 5; // CU_JIT_ERROR_LOG_BUFFER
    private const int JitErrorLogBufferSize = 6; // CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES

    private readonly ResourceHandle _handle;

    /// <summary>Loads an image into the current context.</summary>
    /// <param name="image">A cubin, or PTX text.</param>
    /// <param name="name">Its name in messages, such as the source file.</param>
    /// <exception cref="CudaException">The image does not fit the device; for PTX the message holds the compiler's log.</exception>
    public CudaModule(ReadOnlySpan<byte> image, string name = "module")
        => _handle = Load(ContextState.RequireCurrent("CudaModule"), image, name);

    /// <summary>The driver's handle.</summary>
    public CUmodule Module => new(_handle.Value);

    /// <summary>The module's name in messages.</summary>
    public string Name => _handle.Name;

    /// <summary>A kernel of the module.</summary>
    /// <param name="kernelName">Its name; for a template its lowered name, from <see cref="CudaRuntimeCompiler.GetLoweredName"/>.</param>
    /// <exception cref="CudaException">The module has no such kernel.</exception>
    public CudaKernel GetKernel(string kernelName) => new(_handle, kernelName);

    /// <summary>A <c>__device__</c> or <c>__constant__</c> variable of the module. It belongs to the module.</summary>
    /// <typeparam name="T">The type of its elements.</typeparam>
    /// <param name="variableName">Its (lowered) name.</param>
    public CudaDeviceVariable<T> GetVariable<T>(string variableName) where T : unmanaged => new(Module, variableName);

    /// <summary>Unloads the module.</summary>
    public void Dispose() => _handle.Release("cuModuleUnload");

    internal static ResourceHandle Load(ContextState context, ReadOnlySpan<byte> image, string name)
    {
        if (image.IsEmpty)
            throw new ArgumentException($"CudaModule({name}): the image is empty; expected a cubin or PTX text.", nameof(image));
        CUmodule module = IsPtx(image) ? LoadPtx(image, name) : LoadBinary(image, name);
        return new ResourceHandle(context, ResourceKind.Module, module.Pointer, $"CudaModule {name}", handle
            => DriverNative.cuModuleUnload(new CUmodule(handle)));
    }

    internal static byte[] ReadImage(string path)
        => File.Exists(path) ? File.ReadAllBytes(path)
            : throw new FileNotFoundException($"CudaContext: the module image {path} does not exist.", path);

    private static bool IsPtx(ReadOnlySpan<byte> image)
    {
        ReadOnlySpan<byte> start = image[..Math.Min(image.Length, 4096)].TrimStart(" \t\r\n"u8);
        return start.StartsWith("//"u8) || start.StartsWith(".version"u8);
    }

    private static CUmodule LoadBinary(ReadOnlySpan<byte> image, string name)
    {
        CUmodule module = default;
        fixed (byte* bytes = image)
            Driver.Check(DriverNative.cuModuleLoadData(&module, bytes), $"cuModuleLoadData({name}, {image.Length} bytes)");
        return module;
    }

    private static CUmodule LoadPtx(ReadOnlySpan<byte> image, string name)
    {
        // The driver expects zero-terminated text; files do not end with a zero.
        byte[] text = new byte[image.Length + 1];
        image.CopyTo(text);
        byte[] log = new byte[LogBytes];
        CUmodule module = default;
        CUResult result;
        fixed (byte* bytes = text, logBytes = log)
        {
            int* names = stackalloc int[] { JitErrorLogBuffer, JitErrorLogBufferSize };
            void** values = stackalloc void*[] { logBytes, (void*)LogBytes };
            result = DriverNative.cuModuleLoadDataEx(&module, bytes, 2, names, values);
        }
        if (result != CUResult.Success)
        {
            int end = Array.IndexOf(log, (byte)0);
            string errors = Encoding.UTF8.GetString(log, 0, end < 0 ? log.Length : end).Trim();
            CudaException failure = Driver.Failure(result, $"cuModuleLoadDataEx({name}, {image.Length} bytes of PTX)");
            throw errors.Length == 0 ? failure : new CudaException(result, $"{failure.Message}\n{errors}", failure);
        }
        return module;
    }
}
