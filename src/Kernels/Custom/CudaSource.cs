using CsUnet.Cuda;
using CsUnet.Kernels.Cuda;
using CsUnet.Tensors;

namespace CsUnet.Kernels.Custom;

/// <summary>
/// CUDA C++ of your own. It may include <c>common.cuh</c>, and exports a kernel by a line <c>EXPORT_KERNEL(name, (function));</c>, or
/// <c>(function&lt;float&gt;)</c> for one of a template. It is compiled when one of its kernels is first launched on a device, by NVRTC or
/// for the emulator, and cached on disk like the engine's own kernels.
/// </summary>
/// <example><code>
/// static readonly CudaSource s_source = CudaSource.FromFile("swish.cu");
/// var launch = new CudaKernelLaunch(s_source, "swish_forward", input.Device);
/// launch.Add(input, output);
/// launch.Add(input.Count);
/// launch.RunOver(input.Count);
/// </code></example>
public sealed class CudaSource
{
    private CudaSource(string name, string text)
    {
        Name = name;
        Text = text;
        Kernels = [.. KernelLibrary.Exports(text).Keys];
        if (Kernels.Count == 0)
            throw new ArgumentException(
                $"{name}: no kernel is exported; expected at least one line EXPORT_KERNEL(name, (function));", nameof(text));
        Key = KernelLibrary.Register(name, text);
    }

    /// <summary>The name in the compiler's messages.</summary>
    public string Name { get; }

    /// <summary>The source.</summary>
    public string Text { get; }

    /// <summary>The names of its EXPORT_KERNEL lines.</summary>
    public IReadOnlyList<string> Kernels { get; }

    /// <summary>The name that <see cref="KernelLibrary"/> uses for it: one for each name and text.</summary>
    internal string Key { get; }

    /// <summary>A source from a string.</summary>
    /// <param name="name">A name for the compiler's messages, such as <c>swish.cu</c>.</param>
    /// <param name="text">The source.</param>
    /// <exception cref="ArgumentException">It exports no kernel, or two with the same name.</exception>
    public static CudaSource FromText(string name, string text) => new(name, text);

    /// <summary>A source from a file, which is read now.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="ArgumentException">It exports no kernel, or two with the same name.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    public static CudaSource FromFile(string path) => new(Path.GetFileName(path), File.ReadAllText(path));

    /// <summary>Compiles and loads it for a device now; otherwise the first launch does.</summary>
    /// <exception cref="CudaException">It does not compile; the message names file and line.</exception>
    public void Compile(Device device)
    {
        foreach (string kernel in Kernels)
            KernelLibrary.Find(device, Key, kernel);
    }
}
