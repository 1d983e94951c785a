using CsUnet.Tensors;
using CsUnet.Verification;

namespace CsUnet.Tests.Gpu;

/// <summary>The golden cases on the CUDA device, forward and backward; the emulator checks every memory access.</summary>
public sealed class GoldenTests
{
    /// <summary>The folder next to the program, or the one that <c>CSUNET_GOLDEN</c> names.</summary>
    private static string Folder => Environment.GetEnvironmentVariable("CSUNET_GOLDEN") is { Length: > 0 } named
        ? named
        : Path.Combine(AppContext.BaseDirectory, "golden");

    /// <summary>Every case, by its file name.</summary>
    public static TheoryData<string> Files() => [.. Directory.EnumerateFiles(Folder, "*.safetensors")
        .Select(file => Path.GetFileNameWithoutExtension(file)).Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Files))]
    public void A_golden_case_is_within_tolerance(string name)
    {
        Device device = CudaDeviceFixture.Require();
        string file = Path.Combine(Folder, name + ".safetensors");
        Assert.SkipWhen(CudaDeviceFixture.IsEmulated && SelfTest.IsFullSize(file),
            "a full-size network takes the emulator very long; 'csunet selftest --device cuda:emulated --all' runs it");
        Assert.SkipWhen(CudaDeviceFixture.IsEmulated && name == "csunet_mini_ten_steps",
            "ten steps take very long when every access is watched; './test' runs them unwatched, by 'csunet selftest --device "
                + "cuda:emulated'");
        CaseResult result = SelfTest.RunFile(file, DType.Float32, device);
        Assert.True(result.Passed, result.Failure);
        Assert.InRange(result.Share, 0, 1);
        Assert.True(result.Tensors > 0);
    }

    [Fact]
    public void What_was_computed_is_written_under_the_names_of_the_references()
    {
        Device device = CudaDeviceFixture.Require();
        string folder = Directory.CreateTempSubdirectory("csunet-golden-").FullName;
        try
        {
            Assert.Null(SelfTest.RunFile(Path.Combine(Folder, "linear.safetensors"), DType.Float32, device, folder).Failure);
            using SafetensorsFile written = SafetensorsFile.Read(Path.Combine(folder, "linear.safetensors"));
            using SafetensorsFile golden = SafetensorsFile.Read(Path.Combine(Folder, "linear.safetensors"));
            IEnumerable<string> references = golden.Entries.Select(entry => entry.Name)
                .Where(name => name == "out" || name.StartsWith("grad.", StringComparison.Ordinal));
            Assert.Equal(references.Order(), written.Entries.Select(entry => entry.Name).Order());
            Assert.True(Comparison.Of("out", written.Load("out"), golden.Load("out").To(DType.Float64), 1e-5).IsWithin);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
