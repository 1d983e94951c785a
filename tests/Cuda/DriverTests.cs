using CsUnet.Cuda;
using CsUnet.Cuda.BasicTypes;
using CsUnet.Cuda.NVRTC;
using CsUnet.Tests.Support;

namespace CsUnet.Tests.Cuda;

/// <summary>The driver binding on the fake driver, on the emulator, which really runs kernels, and on a GPU if there is one.</summary>
public class DriverTests
{
    /// <summary>A kernel that sets output[0, count) to value, and one that writes far outside of all memory.</summary>
    private const string Source = """
        extern "C" __global__ void fill(float* output, float value, int count) {
            int i = blockIdx.x * blockDim.x + threadIdx.x;
            if (i < count) output[i] = value;
        }
        extern "C" __global__ void fault(float* output) { output[threadIdx.x + 4000000000000ull] = 1.0f; }
        """;

    private static readonly KernelSource s_kernels = new("driver_test.cu", Source) { NameExpressions = ["fill", "fault"],
        Options = ["--std=c++17"] };

    /// <summary>The libraries to run on, the argument of every theory.</summary>
    public static TheoryData<string> Drivers => ["fake", "emulator", "gpu"];

    [Theory, MemberData(nameof(Drivers))]
    public void Device_properties(string driver) => Run(driver, PropertiesOn);

    [Theory, MemberData(nameof(Drivers))]
    public void Memory_round_trip(string driver) => Run(driver, MemoryRoundTripOn);

    [Theory, MemberData(nameof(Drivers))]
    public void Kernel_launches(string driver) => Run(driver, LaunchesOn);

    [Theory, MemberData(nameof(Drivers))]
    public void Streams_and_events(string driver) => Run(driver, StreamsAndEventsOn);

    [Theory, MemberData(nameof(Drivers))]
    public void Memory_pools(string driver) => Run(driver, PoolsOn);

    [Theory, MemberData(nameof(Drivers))]
    public void Graph_capture_update_and_replay(string driver) => Run(driver, GraphOn);

    [Theory, MemberData(nameof(Drivers))]
    public void Leaks_are_listed(string driver) => Run(driver, LeaksOn);

    [Theory, MemberData(nameof(Drivers))]
    public void Use_after_dispose_is_clear(string driver) => Run(driver, UseAfterDisposeOn);

    [Theory, MemberData(nameof(Drivers))]
    public void A_wrong_thread_is_clear(string driver) => Run(driver, WrongThreadOn);

    [Theory, InlineData("fake"), InlineData("emulator")] // a fault on a GPU would break every later test of this process
    public void A_fault_names_the_kernel(string driver) => Run(driver, FaultOn);

    private static void PropertiesOn(string library)
    {
        Use(library);
        Assert.True(CudaContext.GetDeviceCount() >= 1);
        CudaDeviceProperties device = CudaContext.GetDeviceInfo(0);
        Assert.NotEmpty(device.DeviceName);
        Assert.Equal(32, device.WarpSize);
        Assert.Equal(1024, device.MaxThreadsPerBlock);
        Assert.True(device.Architecture >= KernelArchitecture.Minimum);
        Assert.True(device.SharedMemoryPerBlock >= 48 * 1024 && device.MaxSharedMemoryPerBlockOptin >= device.SharedMemoryPerBlock);
        Assert.True(device.MultiProcessorCount > 0 && (ulong)device.TotalGlobalMemory > 0);
        Assert.Null(DeviceList.Problem(device));
        string list = DeviceList.Read().ToString();
        Assert.Contains(device.DeviceName, list);
        Assert.Contains("NVRTC", list);
        var failure = Assert.Throws<CudaException>(() => new PrimaryContext(99));
        Assert.Equal(CUResult.ErrorInvalidDevice, failure.CudaError);
        Assert.Contains("device=99", failure.Message);
    }

    private static void MemoryRoundTripOn(string library)
    {
        using PrimaryContext context = Start(library);
        float[] data = [.. Enumerable.Range(0, 1000).Select(i => i * 0.5f)];
        using CudaDeviceVariable<float> variable = data; // allocates and copies, as in ManagedCuda
        Assert.Equal(1000, (long)variable.Size);
        Assert.Equal(4000, (long)variable.SizeInBytes);
        Assert.Equal(data, (float[])variable);
        Assert.Equal(5f, variable[10]);
        variable[10] = -1;
        using CudaDeviceVariable<float> view = variable.View(10, 2);
        Assert.Equal([-1f, 5.5f], (float[])view);
        view.CopyToDevice([7f, 8f]);
        Assert.Equal(8f, variable[11]);
        using var copy = new CudaDeviceVariable<float>(1000);
        copy.CopyToDevice(variable);
        var part = new float[3];
        copy.CopyToHost(part, 40, 4, 8); // elements 10 and 11 into 1 and 2
        Assert.Equal([0f, 7f, 8f], part);
        copy.Memset(0u);
        Assert.All((float[])copy, value => Assert.Equal(0f, value));
        copy.Memset((byte)0xff);
        Assert.All((float[])copy, value => Assert.True(float.IsNaN(value)));
        using var halves = new CudaDeviceVariable<ushort>(8);
        halves.Memset((ushort)0x3f80);
        Assert.All((ushort[])halves, value => Assert.Equal(0x3f80, value));
        Assert.Equal(1000, (long)new CudaDeviceVariable<float>(copy.DevicePointer).Size); // the driver knows the size

        using var stream = new CudaStream();
        using var pinned = new CudaPageLockedHostMemory<float>(1000);
        data.CopyTo(pinned.AsSpan());
        pinned.AsyncCopyToDevice(copy, stream.Stream);
        stream.Synchronize();
        pinned.AsSpan().Clear();
        pinned.AsyncCopyFromDevice(copy, stream.Stream);
        stream.Synchronize();
        Assert.Equal(data, pinned.AsSpan().ToArray());

        Assert.Throws<ArgumentOutOfRangeException>(() => variable[1000]);
        Assert.Throws<ArgumentOutOfRangeException>(() => variable.View(999, 2));
        Assert.Throws<ArgumentOutOfRangeException>(() => variable.CopyToHost(part, 3996, 0, 8));
        Assert.Throws<ArgumentOutOfRangeException>(() => new CudaDeviceVariable<float>(0));
        Assert.Throws<ArgumentOutOfRangeException>(() => pinned[1000]);
        Assert.True((ulong)context.GetFreeDeviceMemorySize() < (ulong)context.GetTotalDeviceMemorySize());
    }

    private static void LaunchesOn(string library)
    {
        using PrimaryContext context = Start(library);
        using CudaModule module = Kernels();
        CudaKernel fill = module.GetKernel("fill");
        Assert.True(fill.MaxThreadsPerBlock is > 0 and <= 1024);
        using var output = new CudaDeviceVariable<float>(100);
        output.Memset(0u);
        fill.BlockDimensions = 32;
        fill.SetComputeSize(100);
        Assert.Equal(new dim3(4u), fill.GridDimensions);
        Assert.True(fill.Run(output, 1f, 100) >= 0);
        Assert.All((float[])output, value => Assert.Equal(1f, value));
        fill.RunAsync(CUstream.NullStream, output.DevicePointer, 2f, 99);
        context.Synchronize();
        Assert.Equal(2f, output[98]);
        Assert.Equal(1f, output[99]);

        // The same on the paths that do not allocate.
        long before = GC.GetAllocatedBytesForCurrentThread();
        var arguments = new KernelArguments();
        arguments.Add(output.DevicePointer);
        arguments.Add(3f);
        arguments.Add(50);
        fill.Launch(CUstream.NullStream, ref arguments);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
        context.Synchronize();
        Assert.Equal(3f, output[49]);
        Assert.Equal(2f, output[50]);

        Assert.Throws<ArgumentException>(() => fill.RunAsync(default, new float[3], 1f, 1));
        Assert.Throws<ArgumentNullException>(() => fill.RunAsync(default, null!, 1f, 1));
        fill.BlockDimensions = 2048;
        var failure = Assert.Throws<CudaException>(() => fill.RunAsync(default, output, 1f, 100));
        Assert.Contains("kernel=fill", failure.Message);
        Assert.Contains("2048 threads", failure.Message);
        fill.BlockDimensions = 32;
        fill.DynamicSharedMemory = 90000;
        Assert.Contains("MaxDynamicSharedMemory", Assert.Throws<CudaException>(() => fill.RunAsync(default, output, 1f, 100)).Message);
        fill.MaxDynamicSharedMemory = 90000;
        fill.RunAsync(default, output, 4f, 100);
        context.Synchronize();
        Assert.Equal(4f, output[99]);
        failure = Assert.Throws<CudaException>(() => module.GetKernel("no_such_kernel"));
        Assert.Equal(CUResult.ErrorNotFound, failure.CudaError);
        Assert.Contains("no_such_kernel", failure.Message);
    }

    private static void StreamsAndEventsOn(string library)
    {
        using PrimaryContext context = Start(library);
        using CudaModule module = Kernels();
        CudaKernel fill = module.GetKernel("fill");
        using var first = new CudaStream(CUStreamFlags.NonBlocking);
        using var second = new CudaStream(0, CUStreamFlags.NonBlocking);
        using var start = new CudaEvent();
        using var stop = new CudaEvent();
        using var output = new CudaDeviceVariable<float>(64);
        (fill.BlockDimensions, fill.GridDimensions) = (64, 1);
        start.Record(first.Stream);
        fill.RunAsync(first.Stream, output, 1f, 64);
        stop.Record(first.Stream);
        second.WaitEvent(stop.Event);
        fill.RunAsync(second.Stream, output, 2f, 32);
        second.Synchronize();
        first.Synchronize();
        Assert.True(first.Query() && stop.Query());
        Assert.True(CudaEvent.ElapsedTime(start, stop) >= 0);
        Assert.Equal(2f, output[31]);
        Assert.Equal(1f, output[32]);
    }

    private static void PoolsOn(string library)
    {
        using PrimaryContext context = Start(library);
        using var stream = new CudaStream();
        using (var variable = new CudaDeviceVariable<int>(100, stream))
        {
            variable.MemsetAsync(5u, stream.Stream);
            stream.Synchronize();
            Assert.Equal(5, variable[99]);
            variable.Dispose(stream); // disposed again at the end of the block, which does nothing
        }
        using var plain = new CudaDeviceVariable<int>(4);
        Assert.Throws<InvalidOperationException>(() => plain.Dispose(stream));
        using var pool = new CudaMemoryPool(context.Device, isDefault: true);
        Assert.False(pool.IsOwner);
        pool.SetAttribute(CUmemPool_attribute.ReleaseThreshold, 1ul << 20);
        ulong threshold = 0;
        pool.GetAttribute(CUmemPool_attribute.ReleaseThreshold, ref threshold);
        Assert.Equal(1ul << 20, threshold);
        CudaDeviceVariable<int> taken = pool.MemAllocFromPoolAsync<int>(400, stream);
        Assert.Equal(100, (long)taken.Size);
        Assert.Contains(CudaContext.LiveAllocations, allocation => allocation.Kind == ResourceKind.PoolMemory && allocation.Bytes == 400);
        taken.Dispose(stream);
        stream.Synchronize();
        pool.TrimTo(0);
    }

    private static void GraphOn(string library)
    {
        using PrimaryContext context = Start(library);
        using CudaModule module = Kernels();
        CudaKernel fill = module.GetKernel("fill");
        (fill.BlockDimensions, fill.GridDimensions) = (64, 1);
        using var stream = new CudaStream(CUStreamFlags.NonBlocking);
        using var output = new CudaDeviceVariable<float>(64);
        output.Memset(0u);
        CudaGraph Capture(float value, int launches)
        {
            stream.BeginCapture(CUstreamCaptureMode.ThreadLocal);
            Assert.Equal(CUstreamCaptureStatus.Active, stream.IsCapturing());
            for (int i = 0; i < launches; i++)
                fill.RunAsync(stream.Stream, output, value + i, 64 - i);
            return stream.EndCapture();
        }

        context.SynchronizeAfterLaunch = true; // must not break a capture
        using CudaGraph graph = Capture(1, launches: 2);
        Assert.Equal(0f, output[0]); // captured, not run
        Assert.Equal(2, graph.GetNodes().Length);
        using CudaGraphExec executable = graph.Instantiate(CUgraphInstantiate_flags.None);
        for (int i = 0; i < 3; i++)
        {
            output.Memset(0u);
            executable.Launch(stream);
            stream.Synchronize();
            Assert.Equal(2f, output[0]);
            Assert.Equal(1f, output[63]);
        }
        using (CudaGraph changed = Capture(10, launches: 2))
            Assert.Equal(CUgraphExecUpdateResult.Success, executable.Update(changed));
        executable.Launch(stream);
        stream.Synchronize();
        Assert.Equal(11f, output[0]);
        using CudaGraph other = Capture(10, launches: 3);
        Assert.NotEqual(CUgraphExecUpdateResult.Success, executable.Update(other));
    }

    private static void LeaksOn(string library)
    {
        CudaContext.RecordAllocationStacks = true;
        using (PrimaryContext context = Start(library))
        {
            Assert.Empty(CudaContext.LiveAllocations);
            var leaked = new CudaDeviceVariable<float>(256);
            using (new CudaPageLockedHostMemory<byte>(10))
                Assert.Equal(2, CudaContext.LiveAllocations.Count);
            LiveAllocation found = Assert.Single(CudaContext.LiveAllocations);
            Assert.Equal((ResourceKind.DeviceMemory, 1024L, 0), (found.Kind, found.Bytes, found.DeviceId));
            Assert.Contains(nameof(LeaksOn), found.Stack);
            Assert.Contains("1024 bytes", found.ToString());
            using (new CudaStream())
                Assert.Equal(1, context.LiveResources[ResourceKind.Stream]);
            context.Dispose();
            // The context is gone, but the leak is still reported; disposing it late is harmless.
            Assert.Single(CudaContext.LiveAllocations);
            leaked.Dispose();
            Assert.Empty(CudaContext.LiveAllocations);
        }
    }

    private static void UseAfterDisposeOn(string library)
    {
        PrimaryContext context = Start(library);
        using CudaModule module = Kernels();
        CudaKernel fill = module.GetKernel("fill");
        var variable = new CudaDeviceVariable<float>(4);
        var stream = new CudaStream();
        variable.Dispose();
        variable.Dispose();
        stream.Dispose();
        Assert.Contains("after it was disposed", Assert.Throws<ObjectDisposedException>(() => variable.DevicePointer).Message);
        Assert.Throws<ObjectDisposedException>(() => (float[])variable);
        Assert.Throws<ObjectDisposedException>(stream.Synchronize);
        module.Dispose();
        Assert.Contains("driver_test.cu", Assert.Throws<ObjectDisposedException>(() => fill.Run(1)).Message);
        using var late = new CudaDeviceVariable<float>(4);
        using (var again = new PrimaryContext(0))
        {
            context.Dispose();
            Assert.Throws<ObjectDisposedException>(() => context.Synchronize());
            late.Memset(0u); // the second reference keeps the primary context alive
        }
        Assert.Contains("context", Assert.Throws<ObjectDisposedException>(() => late.Memset(0u)).Message);
    }

    private static void WrongThreadOn(string library)
    {
        using PrimaryContext context = Start(library);
        using var variable = new CudaDeviceVariable<float>(4);
        Exception? failure = null;
        var thread = new Thread(() =>
        {
            failure = Record.Exception(() => variable.Memset(0u));
            context.SetCurrent();
            variable.Memset(0u);
        });
        thread.Start();
        thread.Join();
        var thrown = Assert.IsType<CudaException>(failure);
        Assert.Equal(CUResult.ErrorInvalidContext, thrown.CudaError);
        Assert.Contains("SetCurrent()", thrown.Message);
        using (new CudaContext(0))
            Assert.Contains("device 0 is current", Assert.Throws<CudaException>(() => variable.Memset(0u)).Message);
        context.SetCurrent();
        variable.Memset(0u);
    }

    private static void FaultOn(string library)
    {
        using PrimaryContext context = Start(library);
        using CudaModule module = Kernels();
        CudaKernel fill = module.GetKernel("fill"), fault = module.GetKernel("fault");
        using var output = new CudaDeviceVariable<float>(32);
        (fill.BlockDimensions, fill.GridDimensions, fault.BlockDimensions) = (32, 1, 32);
        fill.RunAsync(default, output, 1f, 32);
        var thrown = Assert.Throws<CudaException>(() =>
        {
            fault.RunAsync(default, output);
            context.Synchronize();
        });
        Assert.Contains("newest first: fault grid (1, 1, 1) block (32, 1, 1), fill", thrown.Message);
        Assert.Contains("CSUNET_CUDA_SYNC=1", thrown.Message);
        if (CudaEmulator.IsAvailable)
            Assert.Contains("driver_test.cu", thrown.Message); // the emulator knows the source line
        // The context is lost. Leaving the block must not hide the first exception behind a second one.
    }

    /// <summary>Points the binding to a library, or to the installed driver if the path is empty.</summary>
    private static void Use(string library)
    {
        if (library.Length > 0)
        {
            CudaLibraries.UseEmulator(library);
            return;
        }
        DeviceList list = DeviceList.Read();
        Assert.SkipWhen(list.Devices.Count == 0, "Skipped: no CUDA device");
        Assert.SkipWhen(list.NvrtcProblem is not null, "Skipped: no NVRTC");
    }

    private static PrimaryContext Start(string library)
    {
        Use(library);
        var context = new PrimaryContext(0);
        context.SetCurrent();
        return context;
    }

    private static CudaModule Kernels()
    {
        using var folder = new TemporaryFolder();
        CudaDeviceProperties device = CudaContext.GetDeviceInfo(0);
        var architecture = KernelArchitecture.Choose(device.Architecture, CudaRuntimeCompiler.GetSupportedArchs());
        return new KernelCache(folder.Path).Load(s_kernels, architecture, out _);
    }

    internal static void Run(string driver, Action<string> test)
    {
        string? library = driver switch
        {
            "fake" => FakeDriver.Build(),
            "emulator" => EmulatorLibrary.Path,
            _ => "",
        };
        Assert.SkipWhen(library is null, driver == "fake" ? "Skipped: no gcc to build the fake driver" : EmulatorLibrary.Missing);
        if (driver != "fake")
        {
            Isolated.Run(test, library!);
            return;
        }
        // The fake driver never recovers from a planted fault, so every test gets its own copy.
        using var folder = new TemporaryFolder();
        string copy = folder.File(Path.GetFileName(library!));
        File.Copy(library!, copy);
        Isolated.Run(test, copy);
    }
}
