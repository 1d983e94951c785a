using System.Runtime.CompilerServices;
using CsUnet.Models.Encoders;
using CsUnet.Models.Networks;
using CsUnet.Nn;
using CsUnet.Tensors;
using CsUnet.Tests.Support;
using CsUnet.Verification;

namespace CsUnet.Tests.Golden;

/// <summary>
/// Encoders and networks against public implementations in float64, from the folder <c>references</c> beside the data sets (CSUNET_DATA, or
/// shared/data beside the repository).
/// </summary>
public sealed class ReferenceTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private static string Folder([CallerFilePath] string source = "")
    {
        string root = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(source)!, "..", ".."));
        string data = Environment.GetEnvironmentVariable("CSUNET_DATA") ?? Path.Combine(root, "..", "shared", "data");
        string folder = Path.GetFullPath(Path.Combine(data, "..", "references"));
        Assert.SkipUnless(Directory.Exists(folder),
            $"no references: {folder} is missing; set CSUNET_DATA to the folder of the data sets beside it");
        return folder;
    }

    [Theory]
    [InlineData("resnet18")]
    [InlineData("resnet34")]
    [InlineData("resnet50")]
    [InlineData("unet_resnet18")]
    [InlineData("unet_resnet50")]
    public void A_network_is_the_public_one_in_both_modes(string name)
    {
        foreach (string mode in new[] { "", "_eval" })
        {
            CaseResult result = SelfTest.RunFile(Path.Combine(Folder(), $"{name}{mode}.safetensors"), DType.Float64);
            Assert.True(result.Passed, result.Failure);
            Assert.True(result.Tensors > 60, $"{result.Tensors} tensors were compared");
        }
    }

    [Theory]
    [InlineData("resnet101")]
    [InlineData("resnet152")]
    public void A_deep_encoder_is_the_public_one_in_both_modes(string name)
    {
        Assert.SkipUnless(TestFiles.RunsAll, $"{name} in float64 takes long; ./test --all runs it");
        A_network_is_the_public_one_in_both_modes(name);
    }

    [Theory]
    [InlineData("resnet18", true)]
    [InlineData("resnet50", true)]
    [InlineData("unet_resnet18", false)]
    [InlineData("unet_resnet50", false)]
    public void Names_and_shapes_are_those_of_the_public_weight_files(string name, bool isEncoder)
    {
        string[] lines = File.ReadAllLines(Path.Combine(Folder(), "names", name + ".txt"));
        EncoderOptions encoder = Encoders.Named(name.Split('_')[^1]);
        Module module = isEncoder
            ? encoder.Create(DType.Float32)
            : (UNetOptions.Create(64, 64, 3) with { Encoder = encoder }).Create();
        IEnumerable<string> ours = module.State().Select(entry => $"{entry.Name} {entry.FileShape.ToString().Trim('(', ')')}");
        // The classifier head and the counters of batch norm have no counterpart.
        string[] theirs =
            [.. lines.Where(line => !line.Contains("num_batches_tracked") && !line.StartsWith("fc.", StringComparison.Ordinal))];
        Assert.Equal(theirs.Order(StringComparer.Ordinal), ours.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void A_reference_that_is_off_fails_and_is_named()
    {
        string copy = _folder.File("resnet18.safetensors");
        using (SafetensorsFile file = SafetensorsFile.Read(Path.Combine(Folder(), "resnet18.safetensors")))
        {
            Dictionary<string, Tensor> tensors = file.Entries.ToDictionary(entry => entry.Name, entry => file.Load(entry.Name));
            tensors["gradnorm.layer3.0.conv1.weight"][0] *= 1.00001;
            SafetensorsFile.Write(copy, tensors, file.Metadata);
        }
        CaseResult result = SelfTest.RunFile(copy, DType.Float64);
        Assert.Equal(("gradnorm.layer3.0.conv1.weight", false), (result.Tensor, result.Passed));
    }

    [Fact]
    public void Networks_that_do_not_exist_are_skipped_by_name()
    {
        using (SafetensorsFile file = SafetensorsFile.Read(Path.Combine(TestFiles.Golden, "linear.safetensors")))
        {
            Dictionary<string, Tensor> tensors = file.Entries.ToDictionary(entry => entry.Name, entry => file.Load(entry.Name));
            void Write(string name, Dictionary<string, string> metadata) =>
                SafetensorsFile.Write(_folder.File($"{name}.safetensors"), tensors, metadata);
            SafetensorsFile.Write(_folder.File("linear.safetensors"), tensors, file.Metadata);
            Write("a", new() { ["op"] = "encoder", ["encoder"] = "no-such-encoder" });
            Write("b", new() { ["op"] = "segmentation", ["model"] = "no-such-network", ["encoder"] = "resnet18" });
            Write("c", new() { ["op"] = "segmentation", ["model"] = "unet", ["encoder"] = "no-such-encoder" });
            Write("d", new() { ["op"] = "classification", ["model"] = "swin" });
        }
        SelfTestSummary summary = SelfTest.Run(_folder.Path, DType.Float64, null, includeFullSize: true, _ => { });
        Assert.Equal((1, 0), (summary.Passed, summary.Failed));
        Assert.Equal([("a", "encoder no-such-encoder"), ("b", "network no-such-network"), ("c", "encoder no-such-encoder"),
            ("d", "classifier swin")],
            summary.Missing);
    }
}
