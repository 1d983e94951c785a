using CsUnet.Cuda;
using CsUnet.Cuda.Native;
using CsUnet.Tests.Support;

namespace CsUnet.Tests.Cuda;

/// <summary>Which files are tried for a library, in which order, and the message if none of them works.</summary>
public class LibraryTests
{
    [Theory]
    [InlineData(CudaLibrary.Driver, "libcuda.so.1", "libcuda.so")]
    [InlineData(CudaLibrary.Nvrtc, "libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so.11.2")]
    [InlineData(CudaLibrary.CuBlas, "libcublas.so.13", "libcublas.so.12", "libcublas.so.11")]
    [InlineData(CudaLibrary.CuDnn, "libcudnn.so.9", "libcudnn.so.8")]
    public void Every_candidate_is_named_with_its_reason(CudaLibrary library, params string[] names)
    {
        var tried = new List<string>();
        var loader = new LibraryLoader(windows: false, _ => null, _ => true, (string path, out string reason) =>
        {
            tried.Add(path);
            reason = $"reason {tried.Count}";
            return 0;
        });
        Assert.Null(loader.Load(library, null, null, out string report));
        Assert.Equal(names, tried.Take(names.Length));
        for (int i = 0; i < tried.Count; i++)
            Assert.Contains($"{tried[i]}: reason {i + 1}", report);
        Assert.Contains(LibraryLoader.EnvironmentVariable(library), report);
        Assert.Contains("Install", report);
    }

    [Theory]
    [InlineData(CudaLibrary.Driver, "nvcuda.dll")]
    [InlineData(CudaLibrary.Nvrtc, "nvrtc64_130_0.dll", "nvrtc64_120_0.dll", "nvrtc64_112_0.dll")]
    [InlineData(CudaLibrary.CuBlas, "cublas64_13.dll", "cublas64_12.dll", "cublas64_11.dll")]
    [InlineData(CudaLibrary.CuDnn, "cudnn64_9.dll", "cudnn64_8.dll")]
    public void Windows_names(CudaLibrary library, params string[] names)
    {
        var loader = new LibraryLoader(windows: true, variable => variable == "CUDA_PATH" ? @"C:\cuda" : null, _ => true, NoLibrary);
        string[] candidates = [.. loader.Candidates(library, null)];
        Assert.Equal(names, candidates.Take(names.Length));
        if (library != CudaLibrary.Driver)
            Assert.Contains(@"C:\cuda\bin\" + names[0], candidates);
    }

    [Theory]
    [InlineData(12, "libnvrtc.so.12", "libnvrtc.so.11.2", "libnvrtc.so.13")]
    [InlineData(11, "libnvrtc.so.11.2", "libnvrtc.so.12", "libnvrtc.so.13")]
    [InlineData(13, "libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so.11.2")]
    public void The_drivers_own_version_comes_first(int driver, params string[] names)
        => Assert.Equal(names, new LibraryLoader(false, _ => null, _ => true, NoLibrary).Candidates(CudaLibrary.Nvrtc, driver).Take(3));

    [Fact]
    public void An_environment_variable_is_the_only_candidate()
    {
        var loader = new LibraryLoader(false, variable => variable == "CSUNET_NVRTC_LIBRARY" ? "/opt/here/libnvrtc.so" : null, _ => false,
            NoLibrary);
        Assert.Null(loader.Load(CudaLibrary.Nvrtc, null, 12, out string report));
        Assert.Contains("/opt/here/libnvrtc.so (from the environment variable CSUNET_NVRTC_LIBRARY): no such file", report);
        Assert.DoesNotContain("libnvrtc.so.12", report);
    }

    [Fact]
    public void A_redirect_comes_before_the_environment()
    {
        var loader = new LibraryLoader(false, _ => "/opt/other.so", _ => true, (string path, out string reason) =>
        {
            reason = "";
            return path == "/opt/emulator.so" ? 7 : 0;
        });
        LoadedLibrary? loaded = loader.Load(CudaLibrary.Driver, "/opt/emulator.so", null, out string report);
        Assert.Equal(7, loaded!.Handle);
        Assert.Equal("/opt/emulator.so", report);
    }

    [Fact]
    public void The_systems_own_words_are_kept()
    {
        Assert.Equal(0, LibraryLoader.Open("libcsunet-does-not-exist.so", out string reason));
        Assert.DoesNotContain('\n', reason);
        Assert.NotEmpty(reason);
        if (OperatingSystem.IsLinux())
            Assert.Contains("cannot open shared object file", reason);
    }

    [Fact]
    public void A_library_that_is_cut_short_is_not_mapped()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Skipped: ELF files are Linux's");
        using var folder = new TemporaryFolder();
        string whole = Path.Combine(Path.GetDirectoryName(typeof(object).Assembly.Location)!, "libSystem.Native.so");
        Assert.False(ElfFile.IsCut(whole));
        byte[] bytes = File.ReadAllBytes(whole);
        string cut = folder.File("cut.so");
        foreach (int length in (int[])[5, 63, 64, 4096, bytes.Length / 2, bytes.Length - 100])
        {
            File.WriteAllBytes(cut, bytes[..length]);
            Assert.True(ElfFile.IsCut(cut), $"{length} of {bytes.Length} bytes");
        }
        Assert.Equal(0, LibraryLoader.Open(cut, out string reason));
        Assert.Contains("cut short", reason);
        File.WriteAllText(cut, "no library");
        Assert.False(ElfFile.IsCut(cut));
        Assert.Equal(0, LibraryLoader.Open(cut, out reason));
        Assert.NotEmpty(reason);
    }

    [Fact]
    public void A_missing_driver_is_one_exception_with_the_list() => Isolated.Run(MissingDriver, "/csunet-no-such-folder/libcuda.so.1");

    private static void MissingDriver(string library)
    {
        CudaLibraries.Redirect(CudaLibrary.Driver, library);
        var failure = Assert.Throws<CudaLibraryException>(() => CudaContext.GetDeviceCount());
        Assert.Equal(CudaLibrary.Driver, failure.Library);
        Assert.Contains($"{library} (redirected by the program): no such file", failure.Message);
        Assert.Throws<CudaLibraryException>(() => new PrimaryContext(0));
        // Listing devices reports the missing library instead of failing.
        CudaLibraries.Redirect(CudaLibrary.Nvrtc, library);
        DeviceList list = DeviceList.Read();
        Assert.Empty(list.Devices);
        Assert.Contains("no such file", list.DriverProblem);
        Assert.Contains("NVRTC", list.NvrtcProblem);
        Assert.Contains("no GPU", list.ToString());
        Assert.Throws<FileNotFoundException>(() => CudaLibraries.UseEmulator(library));
    }

    private static nint NoLibrary(string path, out string reason)
    {
        reason = "not here";
        return 0;
    }
}
