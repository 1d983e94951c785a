using System.Diagnostics;
using CsUnet.Cuda;
using CsUnet.Cuda.NVRTC;
using CsUnet.Tests.Support;

namespace CsUnet.Tests.Cuda;

/// <summary>Kernel compilation and the cache of compiled kernels, on the fake driver and on the emulator.</summary>
public class KernelCacheTests
{
    private static readonly KernelArchitecture s_architecture = new(80);

    /// <summary>The libraries to run on.</summary>
    public static TheoryData<string> Drivers => ["fake", "emulator"];

    [Theory, MemberData(nameof(Drivers))]
    public void The_second_time_it_is_read(string driver) => DriverTests.Run(driver, SecondTimeOn);

    [Theory, MemberData(nameof(Drivers))]
    public void Everything_that_matters_changes_the_key(string driver) => DriverTests.Run(driver, KeyOn);

    [Theory, MemberData(nameof(Drivers))]
    public void Damaged_files_are_compiled_anew(string driver) => DriverTests.Run(driver, DamageOn);

    [Theory, MemberData(nameof(Drivers))]
    public void Threads_share_a_folder(string driver) => DriverTests.Run(driver, ThreadsOn);

    [Theory, MemberData(nameof(Drivers))]
    public void Errors_hold_the_log(string driver) => DriverTests.Run(driver, CompileErrorOn);

    [Fact]
    public void An_unwritable_folder_does_not_stop_a_run() => DriverTests.Run("fake", UnwritableOn);

    [Fact]
    public void A_folder_or_file_that_others_may_write_is_not_read() => DriverTests.Run("fake", OthersOn);

    [Fact]
    public void A_refused_image_is_compiled_anew() => DriverTests.Run("fake", RefusedOn);

    [Fact]
    public void Options_and_headers_reach_the_compiler() => DriverTests.Run("fake", OptionsOn);

    /// <summary>Several processes read and write one folder at once: each gets complete entries, and complete entries remain.</summary>
    [Fact]
    public void Processes_share_a_folder()
    {
        string? library = FakeDriver.Build();
        Assert.SkipWhen(library is null, "Skipped: no gcc to build the fake driver");
        using var folder = new TemporaryFolder();
        if (Environment.GetEnvironmentVariable("CSUNET_TEST_CACHE_FOLDER") is { } shared)
        {
            Isolated.Run(HammerOn, shared); // this is one of the processes
            return;
        }
        Process[] processes = [.. Enumerable.Range(0, 3).Select(_ => Process.Start(new ProcessStartInfo(Environment.ProcessPath!,
            [.. Command(), "-method", $"{typeof(KernelCacheTests).FullName}.{nameof(Processes_share_a_folder)}"])
        {
            Environment = { ["CSUNET_TEST_CACHE_FOLDER"] = folder.Path },
            RedirectStandardOutput = true,
        })!)];
        foreach (Process process in processes)
        {
            string output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            Assert.True(process.ExitCode == 0, output);
            process.Dispose();
        }
        Assert.Equal(20, Directory.GetFiles(folder.Path, "*.bin").Length);
        Assert.Empty(Directory.GetFiles(folder.Path, "*.tmp"));

        // The test program runs under dotnet or as its own executable.
        static string[] Command() => Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet"
            ? [typeof(KernelCacheTests).Assembly.Location] : [];
    }

    [Theory]
    [InlineData(80, 80, false)]
    [InlineData(86, 86, false)]
    [InlineData(89, 86, false)] // unknown to NVRTC, but machine code of the same major number runs
    [InlineData(90, 90, false)]
    [InlineData(120, 90, true)] // a newer major number needs PTX
    public void The_architecture_fits_device_and_compiler(int device, int chosen, bool ptx)
        => Assert.Equal(new KernelArchitecture(chosen, ptx), KernelArchitecture.Choose(device, [70, 75, 80, 86, 90]));

    [Fact]
    public void Old_devices_and_compilers_are_refused()
    {
        Assert.Contains("7.5", Assert.Throws<CudaException>(() => KernelArchitecture.Choose(75, [75, 80])).Message);
        Assert.Contains("sm_100", Assert.Throws<CudaException>(() => KernelArchitecture.Choose(80, [100, 120])).Message);
        Assert.Equal("--gpu-architecture=sm_90", new KernelArchitecture(90).Option);
        Assert.Equal("--gpu-architecture=compute_90", new KernelArchitecture(90, true).Option);
    }

    private static void SecondTimeOn(string library)
    {
        CudaLibraries.UseEmulator(library);
        Assert.True(CudaRuntimeCompiler.GetVersion() >= CudaRuntimeCompiler.MinimumVersion);
        using var folder = new TemporaryFolder();
        var cache = new KernelCache(folder.File("new"));
        CompiledKernels first = cache.GetOrCompile(Source("a"), s_architecture),
            second = new KernelCache(cache.Folder).GetOrCompile(Source("a"), s_architecture);
        Assert.False(first.FromCache);
        Assert.True(second.FromCache);
        Assert.Equal(first.Image, second.Image);
        Assert.Equal(first.Log, second.Log);
        Assert.Equal(first.LoweredNames, second.LoweredNames);
        Assert.Equal(["fill"], second.LoweredNames.Keys);
        Assert.Equal((0, 1, 0), (cache.Hits, cache.Misses, cache.CorruptEntries));
        Assert.Null(cache.LastProblem);
        Assert.Equal([cache.PathOf(Source("a"), s_architecture)], Directory.GetFiles(cache.Folder));
    }

    private static void KeyOn(string library)
    {
        CudaLibraries.UseEmulator(library);
        var cache = new KernelCache("somewhere");
        KernelSource source = Source("a");
        string[] paths =
        [
            cache.PathOf(source, s_architecture),
            cache.PathOf(source with { Text = source.Text + " " }, s_architecture),
            cache.PathOf(source with { Options = ["-DA"] }, s_architecture),
            cache.PathOf(source with { Options = ["-D", "A"] }, s_architecture),
            cache.PathOf(source with { Headers = new Dictionary<string, string> { ["h"] = "1" } }, s_architecture),
            cache.PathOf(source with { Headers = new Dictionary<string, string> { ["h"] = "2" } }, s_architecture),
            cache.PathOf(source with { NameExpressions = [] }, s_architecture),
            cache.PathOf(source, new KernelArchitecture(90)),
            cache.PathOf(source, new KernelArchitecture(80, IsPtx: true)),
        ];
        Assert.Equal(paths.Length, paths.Distinct().Count());
        Assert.Equal(cache.PathOf(source with { Headers = new Dictionary<string, string> { ["a"] = "1", ["b"] = "2" } }, s_architecture),
            cache.PathOf(source with { Headers = new Dictionary<string, string> { ["b"] = "2", ["a"] = "1" } }, s_architecture));
        Assert.Contains("kernels", KernelCache.DefaultFolder);
    }

    private static void DamageOn(string library)
    {
        CudaLibraries.UseEmulator(library);
        using var folder = new TemporaryFolder();
        var cache = new KernelCache(folder.Path);
        byte[] image = cache.GetOrCompile(Source("a"), s_architecture).Image;
        string path = cache.PathOf(Source("a"), s_architecture);
        byte[] whole = File.ReadAllBytes(path);
        // Truncated at several places, a flipped bit in each part, the content of another file.
        cache.GetOrCompile(Source("b"), s_architecture);
        List<byte[]> damages = [[], whole[..10], whole[..60], whole[..^1], [.. whole, 0], File.ReadAllBytes(cache.PathOf(Source("b"),
            s_architecture))];
        foreach (int at in (int[])[0, 20, 50, 90, whole.Length - 1])
        {
            byte[] flipped = [.. whole];
            flipped[at] ^= 1;
            damages.Add(flipped);
        }
        foreach (byte[] damage in damages)
        {
            File.WriteAllBytes(path, damage);
            int before = cache.CorruptEntries;
            CompiledKernels again = cache.GetOrCompile(Source("a"), s_architecture);
            Assert.False(again.FromCache);
            Assert.Equal(image, again.Image);
            Assert.Equal(before + 1, cache.CorruptEntries);
            Assert.Contains("damaged", cache.LastProblem);
            Assert.True(cache.GetOrCompile(Source("a"), s_architecture).FromCache);
        }
    }

    private static void ThreadsOn(string library)
    {
        CudaLibraries.UseEmulator(library);
        using var folder = new TemporaryFolder();
        var cache = new KernelCache(folder.Path);
        var results = new CompiledKernels[8];
        Thread[] threads = [.. Enumerable.Range(0, 8).Select(i => new Thread(() => results[i] = cache.GetOrCompile(Source($"{i % 2}"),
            s_architecture)))];
        foreach (Thread thread in threads)
            thread.Start();
        foreach (Thread thread in threads)
            thread.Join();
        Assert.Equal((6, 2), (cache.Hits, cache.Misses)); // each source was compiled once
        Assert.All(results, result => Assert.NotEmpty(result.Image));
    }

    private static void CompileErrorOn(string library)
    {
        CudaLibraries.UseEmulator(library);
        using var folder = new TemporaryFolder();
        var failure = Assert.Throws<NVRTCException>(() => new KernelCache(folder.Path).GetOrCompile(new KernelSource("broken.cu",
            "#error planted"), s_architecture));
        Assert.Equal(nvrtcResult.ErrorCompilation, failure.NVRTCError);
        Assert.Contains("nvrtcCompileProgram(broken.cu, --gpu-architecture=sm_80", failure.Message);
        Assert.Contains("#error", failure.Message);
        Assert.Empty(Directory.GetFiles(folder.Path));
        using var compiler = new CudaRuntimeCompiler("int x;", "x.cu");
        Assert.Throws<InvalidOperationException>(() => compiler.GetCubin());
        compiler.Dispose();
        Assert.Throws<ObjectDisposedException>(() => compiler.Compile([]));
        Assert.Throws<ArgumentException>(() => new CudaRuntimeCompiler("", "x.cu", ["a"], []));
    }

    private static void UnwritableOn(string library)
    {
        CudaLibraries.UseEmulator(library);
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("file"), "");
        var cache = new KernelCache(folder.File("file")); // a file where the folder should be
        Assert.NotEmpty(cache.GetOrCompile(Source("a"), s_architecture).Image);
        Assert.Contains("cannot be", cache.LastProblem);
    }

    private static void OthersOn(string library)
    {
        if (OperatingSystem.IsWindows())
            return;
        CudaLibraries.UseEmulator(library);
        using var folder = new TemporaryFolder();
        var cache = new KernelCache(folder.File("cache"));
        cache.GetOrCompile(Source("a"), s_architecture);
        string path = cache.PathOf(Source("a"), s_architecture);
        UnixFileMode file = File.GetUnixFileMode(path), own = File.GetUnixFileMode(cache.Folder);
        Assert.Equal((UnixFileMode.UserRead | UnixFileMode.UserWrite, UnixFileMode.UserRead | UnixFileMode.UserWrite
            | UnixFileMode.UserExecute), (file, own));
        // Such a file is replaced by one of this user.
        File.SetUnixFileMode(path, file | UnixFileMode.GroupWrite);
        Assert.False(cache.GetOrCompile(Source("a"), s_architecture).FromCache);
        Assert.Contains("only you may write", cache.LastProblem);
        Assert.Equal(file, File.GetUnixFileMode(path));
        Assert.True(cache.GetOrCompile(Source("a"), s_architecture).FromCache);
        File.Delete(path);
        Directory.CreateDirectory(path);
        Assert.False(cache.GetOrCompile(Source("a"), s_architecture).FromCache);
        Assert.True(cache.GetOrCompile(Source("a"), s_architecture).FromCache);
        // Such a folder is neither read nor written.
        File.SetUnixFileMode(cache.Folder, own | UnixFileMode.OtherWrite);
        Assert.False(cache.GetOrCompile(Source("a"), s_architecture).FromCache);
        Assert.Contains("others may write", cache.LastProblem);
        cache.GetOrCompile(Source("b"), s_architecture);
        Assert.Equal([path], Directory.GetFiles(cache.Folder));
    }

    private static void RefusedOn(string library)
    {
        using PrimaryContext context = ErrorTests.Start(library);
        using var folder = new TemporaryFolder();
        var cache = new KernelCache(folder.Path);
        cache.Load(Source("a"), s_architecture, out CompiledKernels compiled).Dispose();
        FakeDriver.Fail(library, "cuModuleLoadData", 209);
        cache.Load(Source("a"), s_architecture, out compiled).Dispose();
        Assert.False(compiled.FromCache);
        Assert.Contains("refused", cache.LastProblem);
        // A fresh compilation that is still refused is an error.
        FakeDriver.Fail(library, "cuModuleLoadData", 209);
        Assert.Contains("CSUNET_NVRTC_LIBRARY", Assert.Throws<CudaException>(() => cache.Load(Source("b"), s_architecture, out _)).Message);
    }

    private static void OptionsOn(string library)
    {
        CudaLibraries.UseEmulator(library);
        using var folder = new TemporaryFolder();
        FakeDriver.Calls(library);
        new KernelCache(folder.Path).GetOrCompile(Source("a") with
        {
            Headers = new Dictionary<string, string> { ["common.cuh"] = "text" },
            Options = ["--std=c++17", "-DX=1"],
            NameExpressions = ["fill", "gemm<64, 64>"],
        }, new KernelArchitecture(90, IsPtx: true));
        Assert.Equal("header common.cuh: text\nexpression fill\nexpression gemm<64, 64>\ncompile --gpu-architecture=compute_90 " +
            "--std=c++17 -DX=1\n",
            FakeDriver.Calls(library));
        Assert.Equal([80, 86, 90], CudaRuntimeCompiler.GetSupportedArchs());
    }

    private static void HammerOn(string folder)
    {
        CudaLibraries.UseEmulator(FakeDriver.Build()!);
        for (int round = 0; round < 20; round++)
        {
            var cache = new KernelCache(folder);
            for (int i = 0; i < 20; i++)
            {
                // Damage some entries, so that the others read them while they are rewritten.
                if (round % 5 == 4 && i % 3 == 0)
                {
                    string path = cache.PathOf(Source($"{i}"), s_architecture), damaged = Path.Combine(folder, $"{Guid.NewGuid():N}");
                    File.WriteAllBytes(damaged, [1, 2, 3]);
                    File.Move(damaged, path, overwrite: true);
                }
                Assert.Contains($"source {i} ", System.Text.Encoding.UTF8.GetString(cache.GetOrCompile(Source($"{i}"),
                    s_architecture).Image));
            }
            Assert.True(cache.LastProblem is null || cache.LastProblem.Contains("damaged"), cache.LastProblem);
        }
    }

    private static KernelSource Source(string content) => new("cache_test.cu",
        $"extern \"C\" __global__ void fill(float* output, float value, int count) {{ output[0] = value + count; }} // source {content} " +
            $"\n") { NameExpressions = ["fill"] };
}
