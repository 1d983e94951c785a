using CsUnet.Cuda;
using CsUnet.Cuda.NVRTC;
using CsUnet.Kernels.Cuda;
using CsUnet.Tests.Support;

namespace CsUnet.Tests.Cuda;

/// <summary>NVIDIA's own libraries, as far as they work without a GPU. Skipped if they are not installed.</summary>
public class NvrtcTests
{
    [Fact]
    public void Nvrtc_compiles_to_cubin_and_ptx() => Isolated.Run(Compile, "");

    [Fact]
    public void Nvrtc_compiles_an_elementwise_operator_and_names_the_expression_that_is_wrong() => Isolated.Run(CompileElementwise, "");

    [Fact]
    public void A_driver_without_a_gpu_says_so() => Isolated.Run(NoDevice, "");

    private static void Compile(string library)
    {
        Assert.SkipUnless(CudaLibraries.TryLoad(CudaLibrary.Nvrtc, out string report), $"Skipped: {report}");
        CudaRuntimeCompiler.RequireVersion();
        Assert.Contains(80, CudaRuntimeCompiler.GetSupportedArchs());
        const string Source = """
            #include "scale.cuh"
            template <int N> __global__ void scale(float* x) { x[threadIdx.x] *= FACTOR * N; }
            """;
        var source = new KernelSource("scale.cu", Source)
        {
            Headers = new Dictionary<string, string> { ["scale.cuh"] = "#define FACTOR 2.0f" },
            Options = ["--std=c++17", "--ptxas-options=-v"],
            NameExpressions = ["scale<4>", "scale<8>"],
        };
        using var folder = new TemporaryFolder();
        var cache = new KernelCache(folder.Path);
        CompiledKernels cubin = cache.GetOrCompile(source, new KernelArchitecture(80));
        Assert.Equal("\u007fELF"u8, cubin.Image.AsSpan(0, 4));
        Assert.Equal("_Z5scaleILi4EEvPf", cubin.LoweredNames["scale<4>"]);
        Assert.Contains("registers", cubin.Log);
        Assert.Equal(cubin.Image, cache.GetOrCompile(source, new KernelArchitecture(80)).Image);
        CompiledKernels ptx = cache.GetOrCompile(source, new KernelArchitecture(80, IsPtx: true));
        Assert.Contains(".target sm_80", System.Text.Encoding.UTF8.GetString(ptx.Image));
        var failure = Assert.Throws<NVRTCException>(() => cache.GetOrCompile(source with { Text = "__global__ void f() { undeclared(); }",
            NameExpressions = [] }, new KernelArchitecture(80)));
        Assert.Contains("undeclared", failure.Message);
    }

    private static void CompileElementwise(string library)
    {
        Assert.SkipUnless(CudaLibraries.TryLoad(CudaLibrary.Nvrtc, out string report), $"Skipped: {report}");
        using var folder = new TemporaryFolder();
        var cache = new KernelCache(folder.Path);
        CompiledKernels compiled = cache.GetOrCompile(KernelLibrary.Source(new Swish().Source.Key), new KernelArchitecture(80));
        Assert.Equal(4, compiled.LoweredNames.Count);
        KernelSource wrong = KernelLibrary.Source(new Swish().Source.Key);
        wrong = wrong with { Text = wrong.Text.Replace("x / (1 + expf(-x))", "1 +\nno_such(x)", StringComparison.Ordinal) };
        var failure = Assert.Throws<NVRTCException>(() => cache.GetOrCompile(wrong, new KernelArchitecture(80)));
        Assert.Contains("Swish.CudaValue(2)", failure.Message);
    }

    private static void NoDevice(string library)
    {
        Assert.SkipUnless(CudaLibraries.TryLoad(CudaLibrary.Driver, out string report), $"Skipped: {report}");
        DeviceList list = DeviceList.Read();
        Assert.SkipWhen(list.Devices.Count > 0, "Skipped: there is a GPU");
        Assert.Contains("cuInit", list.DriverProblem);
        Assert.Contains(report, list.DriverProblem);
    }
}
