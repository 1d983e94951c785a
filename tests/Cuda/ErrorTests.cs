using CsUnet.Cuda;
using CsUnet.Cuda.BasicTypes;
using CsUnet.Tests.Support;

namespace CsUnet.Tests.Cuda;

/// <summary>Messages of failing driver calls, on the fake driver, whose calls fail on demand.</summary>
public class ErrorTests
{
    [Fact]
    public void Out_of_memory_tells_what_is_free() => DriverTests.Run("fake", OutOfMemory);

    [Fact]
    public void A_fault_is_pinned_down_by_synchronising() => DriverTests.Run("fake", SynchronousFault);

    [Fact]
    public void A_fault_first_seen_by_dispose_is_reported() => DriverTests.Run("fake", FaultInDispose);

    [Fact]
    public void Queries_that_are_not_ready_are_no_errors() => DriverTests.Run("fake", NotReady);

    [Fact]
    public void Images_and_ptx() => DriverTests.Run("fake", Images);

    [Fact]
    public void Shapes_and_attributes_are_passed_on() => DriverTests.Run("fake", Launches);

    [Fact]
    public void A_fault_in_a_graph_names_its_kernels() => DriverTests.Run("fake", GraphFault);

    [Fact]
    public void The_fake_is_not_the_emulator() => DriverTests.Run("fake", NotTheEmulator);

    [Fact]
    public void The_emulator_reports_a_race() => DriverTests.Run("emulator", Race);

    [Fact]
    public void Sizes_convert_without_wrapping()
    {
        SizeT size = 5_000_000_000L;
        Assert.Equal(5_000_000_000ul, (ulong)size);
        Assert.Throws<OverflowException>(() => (int)size);
        Assert.Throws<ArgumentOutOfRangeException>(() => (SizeT)(-1));
        Assert.Throws<OverflowException>(() => (SizeT)1 - 2);
        Assert.True(size > 4 && size * 2 == 10_000_000_000ul && size / 5 == 1_000_000_000);
        Assert.Equal("(2, 3, 1)", new dim3(2, 3).ToString());
        Assert.Equal(6ul, new dim3(2, 3).Size);
    }

    [Fact]
    public void An_exception_without_a_driver_still_has_a_text()
    {
        var failure = new CudaException(CUResult.ErrorOutOfMemory);
        Assert.Contains("ErrorOutOfMemory", failure.Message);
        Assert.Equal(CUResult.ErrorOutOfMemory, failure.CudaError);
    }

    private static void OutOfMemory(string library)
    {
        using PrimaryContext context = Start(library);
        FakeDriver.Fail(library, "cuMemAlloc", 2);
        var failure = Assert.Throws<CudaException>(() => new CudaDeviceVariable<float>(1000));
        Assert.Equal(CUResult.ErrorOutOfMemory, failure.CudaError);
        Assert.Equal("cuMemAlloc(bytes=4000)", failure.Call);
        Assert.StartsWith("cuMemAlloc(bytes=4000): CUDA_ERROR_OUT_OF_MEMORY (2), out of memory. 1024 of 1024 MiB are free",
            failure.Message);
        Assert.Empty(CudaContext.LiveAllocations);
    }

    private static void SynchronousFault(string library)
    {
        using PrimaryContext context = Start(library);
        context.SynchronizeAfterLaunch = true;
        using var module = new CudaModule("image"u8, "test.cu");
        CudaKernel nothing = module.GetKernel("nothing"), fault = module.GetKernel("fault");
        nothing.RunAsync(default);
        var failure = Assert.Throws<CudaException>(() => fault.RunAsync(default));
        Assert.StartsWith("fault, waited for because of CSUNET_CUDA_SYNC=1: CUDA_ERROR_ILLEGAL_ADDRESS (700)", failure.Message);
        Assert.DoesNotContain("nothing", failure.Message); // the call had completed
    }

    private static void FaultInDispose(string library)
    {
        PrimaryContext context = Start(library);
        var module = new CudaModule("image"u8, "test.cu");
        var memory = new CudaDeviceVariable<float>(4);
        module.GetKernel("fault").RunAsync(default);
        Assert.Contains("fault grid", Assert.Throws<CudaException>(memory.Dispose).Message);
        var more = Assert.Throws<CudaException>(() => new CudaDeviceVariable<float>(4));
        Assert.Equal(CUResult.ErrorIllegalAddress, more.CudaError);
        module.Dispose();
        context.Dispose();
    }

    private static void NotTheEmulator(string library)
    {
        using PrimaryContext context = Start(library);
        Assert.False(CudaEmulator.IsAvailable);
        Assert.Contains("not the emulator", Assert.Throws<InvalidOperationException>(() => CudaEmulator.GetReport()).Message);
    }

    private static void GraphFault(string library)
    {
        using PrimaryContext context = Start(library);
        using var module = new CudaModule("image"u8, "test.cu");
        CudaKernel nothing = module.GetKernel("nothing");
        using var stream = new CudaStream();
        stream.BeginCapture(CUstreamCaptureMode.ThreadLocal);
        nothing.RunAsync(stream.Stream);
        nothing.RunAsync(stream.Stream);
        using CudaGraph graph = stream.EndCapture();
        using CudaGraphExec executable = graph.Instantiate(CUgraphInstantiate_flags.None);
        context.Synchronize();
        executable.Launch(stream);
        FakeDriver.Fail(library, "cuCtxSynchronize", 700);
        Assert.Contains("graph of 2 launches [nothing]", Assert.Throws<CudaException>(context.Synchronize).Message);
    }

    private static void Race(string library)
    {
        using PrimaryContext context = Start(library);
        Assert.True(CudaEmulator.IsAvailable);
        CudaEmulator.SetMode(CudaEmulatorMode.Hook);
        CudaEmulator.ClearReport();
        int before = CudaEmulator.LeakCount;
        try
        {
            using var folder = new TemporaryFolder();
            var source = new KernelSource("race.cu",
                "extern \"C\" __global__ void race(float* x) {\n    x[0] = threadIdx.x;\n}\n") { NameExpressions = ["race"] };
            using CudaModule module = new KernelCache(folder.Path).Load(source, new KernelArchitecture(80), out _);
            CudaKernel race = module.GetKernel("race");
            using var output = new CudaDeviceVariable<float>(1);
            Assert.Equal(before + 1, CudaEmulator.LeakCount);
            race.BlockDimensions = 64;
            Assert.Null(Record.Exception(() => race.Run(output)) is { } failure and not CudaException ? failure : null);
            Assert.True(CudaEmulator.FindingCount > 0);
            Assert.Contains("race", CudaEmulator.GetReport());
            Assert.Contains("race.cu", CudaEmulator.GetReport());
            Assert.StartsWith("[", CudaEmulator.GetReportJson());
            Assert.Contains("race", CudaEmulator.GetProfileCsv());
        }
        finally
        {
            CudaEmulator.ClearReport();
            CudaEmulator.ClearProfile();
            CudaEmulator.SetMode(CudaEmulatorMode.Plain);
        }
    }

    private static void NotReady(string library)
    {
        using PrimaryContext context = Start(library);
        using var stream = new CudaStream();
        using var reached = new CudaEvent();
        FakeDriver.Fail(library, "cuStreamQuery", 600);
        Assert.False(stream.Query());
        Assert.True(stream.Query());
        FakeDriver.Fail(library, "cuEventQuery", 600);
        Assert.False(reached.Query());
        FakeDriver.Fail(library, "cuEventElapsedTime", 600);
        Assert.Contains("Synchronize()", Assert.Throws<CudaException>(() => CudaEvent.ElapsedTime(reached, reached)).Message);
    }

    private static void Images(string library)
    {
        using PrimaryContext context = Start(library);
        Assert.Throws<ArgumentException>(() => new CudaModule([], "empty"));
        Assert.Equal(CUResult.ErrorInvalidImage, Assert.Throws<CudaException>(() => context.LoadModulePTX("bad"u8.ToArray())).CudaError);
        // PTX is loaded with a log buffer, and is zero-terminated even if the text is not.
        var failure = Assert.Throws<CudaException>(() => context.LoadModulePTX("// a comment\n.version 8.0"u8.ToArray()));
        Assert.Contains("ptxas fatal : fake log", failure.Message);
        Assert.Contains(".version 8.0 options 5 6\n", FakeDriver.Calls(library));
        CUmodule module = context.LoadModulePTX("image"u8.ToArray());
        var kernel = new CudaKernel("fill", module, 64, 2);
        Assert.Equal((new dim3(64u), new dim3(2u)), (kernel.BlockDimensions, kernel.GridDimensions));
        Assert.Equal(4, (long)new CudaDeviceVariable<float>(module, "variable").Size);
        context.UnloadModule(module);
        Assert.Throws<ArgumentException>(() => context.UnloadModule(module));
        Assert.Throws<CudaException>(() => new CudaKernel("fill", module));
        Assert.Throws<FileNotFoundException>(() => context.LoadKernel("/csunet-no-such-file.ptx", "fill"));
        // A kernel loaded with its module keeps the module until the context is disposed.
        using CudaDeviceVariable<float> output = new float[2];
        context.LoadKernelPTX("image"u8.ToArray(), "fill").RunAsync(default, output, 3f, 2);
        Assert.Equal([3f, 3f], (float[])output);
    }

    private static void Launches(string library)
    {
        using PrimaryContext context = Start(library);
        using var module = new CudaModule("image"u8, "test.cu");
        CudaKernel nothing = module.GetKernel("nothing");
        FakeDriver.Calls(library);
        nothing.Launch(default, new dim3(3, 2), new dim3(32), 16, []);
        nothing.Launch(default, 5L);
        Assert.Equal("launch nothing (3,2,1) (32,1,1) 16\nlaunch nothing (1,1,1) (16,16,1) 0\n", FakeDriver.Calls(library));
        Assert.Contains("at most 2147483647 x 65535 x 65535 blocks",
            Assert.Throws<CudaException>(() => nothing.Launch(default, new dim3(1, 65536), 1, 0, [])).Message);
        Assert.Contains("must not be empty", Assert.Throws<CudaException>(() => nothing.Launch(default, 0, 1, 0, [])).Message);
        using CudaMemoryPool pool = CudaMemoryPool.ForDevice(context);
        Assert.True(pool.IsOwner);
        Assert.Contains("pool type 1 location 1 id 0", FakeDriver.Calls(library));
        pool.SetCurrent(context);
        Assert.Contains("32 registers", nothing.ToString());
        Assert.Equal(6, nothing.GetOccupancyMaxActiveBlocksPerMultiprocessor(256, 0));
        Assert.Equal(new Version(8, 6), nothing.BinaryVersion);
    }

    internal static PrimaryContext Start(string library)
    {
        CudaLibraries.UseEmulator(library);
        var context = new PrimaryContext(0);
        context.SetCurrent();
        return context;
    }
}
