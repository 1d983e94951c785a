using CsUnet.Cuda;
using CsUnet.Cuda.NVRTC;
using CsUnet.Kernels.Cuda;

namespace CsUnet.Tests.Cuda;

/// <summary>
/// Bugs planted in a small kernel file. The emulated device reports each one with its kind, the kernel's name and the source line.
/// </summary>
public class PlantedBugTests
{
    private const int Threads = 64;

    /// <summary>Each kernel wrongly reverses 64 floats through shared memory; the comment <c>bug</c> marks the line of its bug.</summary>
    private const string Source = """
        #include "common.cuh"
        extern "C" __global__ void right(const float* input, float* output) {
            SHARED(float, tile, [64]);
            tile[threadIdx.x] = input[threadIdx.x];
            __syncthreads();
            output[threadIdx.x] = tile[63 - threadIdx.x];
        }
        extern "C" __global__ void missing_barrier(const float* input, float* output) {
            SHARED(float, tile, [64]);
            tile[threadIdx.x] = input[threadIdx.x];
            output[threadIdx.x] = tile[63 - threadIdx.x]; // bug missing_barrier
        }
        extern "C" __global__ void write_outside(const float* input, float* output) {
            output[threadIdx.x + 1] = input[63 - threadIdx.x]; // bug write_outside
            if (threadIdx.x == 0) output[0] = input[63];
        }
        extern "C" __global__ void unwritten_output(const float* input, float* output) {
            if (threadIdx.x != 17)
                output[threadIdx.x] = input[63 - threadIdx.x]; // bug unwritten_output
        }
        """;

    [Theory]
    [InlineData("missing_barrier", "race")]
    [InlineData("write_outside", "outside")]
    [InlineData("unwritten_output", "unwritten")]
    public void Is_reported_with_kernel_and_line(string kernel, string kind)
    {
        string report = ReportOf(kernel);
        int line = 1 + Array.FindIndex(Source.Split('\n'), text => text.EndsWith($"// bug {kernel}", StringComparison.Ordinal));
        string expected = $"{kind}: kernel {kernel}, block (0,0,0)";
        Assert.Contains(report.Split('\n'), finding =>
            finding.StartsWith(expected, StringComparison.Ordinal) && finding.Contains($", planted.cu:{line}: ", StringComparison.Ordinal));
    }

    [Fact]
    public void A_right_kernel_is_not_reported() => Assert.Empty(ReportOf("right"));

    private static string ReportOf(string kernel)
    {
        Assert.SkipWhen(EmulatorLibrary.Path is null, EmulatorLibrary.Missing);
        string file = Path.GetTempFileName();
        try
        {
            // The same file carries the header in and the report out.
            File.WriteAllText(file, KernelLibrary.Source("activation").Headers["common.cuh"]);
            Isolated.Run(Collect, $"{EmulatorLibrary.Path}|{kernel}|{file}");
            return File.ReadAllText(file);
        }
        finally
        {
            File.Delete(file);
        }
    }

    /// <summary>Runs in its own copy of the binding, which shares no variables with the test: writes the report to a file.</summary>
    private static void Collect(string arguments)
    {
        string[] words = arguments.Split('|');
        CudaLibraries.UseEmulator(words[0]);
        CudaEmulator.SetMode(CudaEmulatorMode.Hook);
        CudaEmulator.ClearReport();
        try
        {
            using var context = new PrimaryContext(0);
            context.SetCurrent();
            using var compiler = new CudaRuntimeCompiler(Source, "planted.cu", [File.ReadAllText(words[2])], ["common.cuh"]);
            compiler.Compile(["--gpu-architecture=sm_80", "--std=c++17"]);
            using var module = new CudaModule(compiler.GetCubin(), "planted.cu");
            using CudaDeviceVariable<float> input = Enumerable.Range(0, Threads).Select(i => (float)i).ToArray();
            using var output = new CudaDeviceVariable<float>(Threads);
            CudaKernel kernel = module.GetKernel(words[1]);
            kernel.BlockDimensions = Threads;
            // A write outside loses the context, as on a GPU; the report exists by then.
            if (Record.Exception(() => kernel.Run(input, output)) is null)
                _ = (float[])output;
            File.WriteAllText(words[2], CudaEmulator.GetReport());
        }
        finally
        {
            CudaEmulator.ClearReport();
            CudaEmulator.SetMode(CudaEmulatorMode.Plain);
        }
    }
}
