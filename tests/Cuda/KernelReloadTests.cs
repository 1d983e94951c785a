using System.Runtime.CompilerServices;
using CsUnet.Cuda;
using CsUnet.Cuda.NVRTC;
using CsUnet.Kernels;
using CsUnet.Kernels.Cuda;
using CsUnet.Tensors;
using CsUnet.Tests.Support;

namespace CsUnet.Tests.Cuda;

/// <summary>Kernels from a folder: changed files are compiled again while the program runs.</summary>
public class KernelReloadTests
{
    [Fact]
    public void A_changed_file_is_compiled_again()
    {
        Assert.SkipWhen(EmulatorLibrary.Path is null, EmulatorLibrary.Missing);
        using var folder = new TemporaryFolder();
        foreach (string file in new[] { "activation", "softmax" })
        {
            KernelSource source = KernelLibrary.Source(file);
            File.WriteAllText(folder.File($"{file}.cu"), source.Text);
            File.WriteAllText(folder.File("common.cuh"), source.Headers["common.cuh"]);
        }
        string? before = Environment.GetEnvironmentVariable("CSUNET_KERNELS");
        Environment.SetEnvironmentVariable("CSUNET_KERNELS", Path.GetDirectoryName(folder.File("activation.cu")));
        try
        {
            Isolated.Run(ReloadOn, EmulatorLibrary.Path!);
        }
        finally
        {
            Environment.SetEnvironmentVariable("CSUNET_KERNELS", before);
        }
    }

    private static void ReloadOn(string library)
    {
        CudaLibraries.UseEmulator(library);
        Device device = Device.Cuda;
        try
        {
            Reload(device);
        }
        finally
        {
            // The emulated device belongs to the process: no tensor of this copy of the engine may outlive its context.
            GC.Collect();
            GC.WaitForPendingFinalizers();
            CudaDevice.Get(device).Context.Dispose();
        }
    }

    // Not inlined, so that none of its objects are alive afterwards.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Reload(Device device)
    {
        string file = Path.Combine(KernelLibrary.Folder!, "activation.cu"), text = File.ReadAllText(file);
        Assert.Equal(["activation", "softmax"], KernelLibrary.Files);
        Tensor input = Tensor.From([-1f, 0.5f, 3f, -2f], [4]).To(device);
        Assert.Equal([0f, 0.5f, 3f, 0f], Run(input));
        Assert.Empty(KernelLibrary.Reload());

        File.WriteAllText(file, Changed("-1.0f"));
        Assert.Equal(["activation"], KernelLibrary.Reload());
        Assert.Equal([-1f, -1f, -1f, -1f], Run(input));
        File.SetLastWriteTimeUtc(file, DateTime.UtcNow);
        Assert.Empty(KernelLibrary.Reload());

        // Reloaded without a request, a second later.
        File.WriteAllText(file, Changed("-2.0f"));
        Thread.Sleep(1100);
        Assert.Equal([-2f, -2f, -2f, -2f], Run(input));

        // A compilation error is reported.
        File.WriteAllText(file, Changed("a mistake"));
        Assert.Contains("activation.cu", Assert.Throws<NVRTCException>(() => KernelLibrary.Reload()).Message);
        File.WriteAllText(file, text);
        Assert.Equal(["activation"], KernelLibrary.Reload());
        Assert.Equal([0f, 0.5f, 3f, 0f], Run(input));

        string Changed(string value)
        {
            const string Rectified = "return x < 0.0f ? 0.0f : x;";
            Assert.Contains(Rectified, text);
            return text.Replace(Rectified, $"return {value};", StringComparison.Ordinal);
        }
    }

    private static float[] Run(Tensor input) =>
        OperatorCall.Run(new Activation(ActivationKind.ReLU), input).To(Device.Cpu).AsSpan<float>().ToArray();
}
