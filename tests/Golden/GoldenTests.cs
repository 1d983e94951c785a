using CsUnet.Tensors;
using CsUnet.Tests.Support;
using CsUnet.Verification;

namespace CsUnet.Tests.Golden;

public sealed class GoldenTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    public static TheoryData<string, DType> Files()
    {
        var rows = new TheoryData<string, DType>();
        foreach (string path in Directory.EnumerateFiles(TestFiles.Golden, "*.safetensors").Order(StringComparer.Ordinal))
        {
            rows.Add(Path.GetFileNameWithoutExtension(path), DType.Float32);
            rows.Add(Path.GetFileNameWithoutExtension(path), DType.Float64);
        }
        return rows;
    }

    [Theory]
    [MemberData(nameof(Files))]
    public void A_golden_case_is_within_tolerance(string name, DType type)
    {
        string path = Path.Combine(TestFiles.Golden, name + ".safetensors");
        if (SelfTest.IsFullSize(path) && !TestFiles.RunsAll)
            Assert.Skip($"{name} in {type.Label()} is a full-size network; ./test --all runs it");
        CaseResult result = SelfTest.RunFile(path, type);
        Assert.True(result.Passed, result.Failure);
        Assert.InRange(result.Share, 0, 1);
        Assert.True(result.Tensors > 0);
    }

    [Fact]
    public void Every_kind_of_case_has_a_file()
    {
        HashSet<string> ops = [.. Directory.EnumerateFiles(TestFiles.Golden, "*.safetensors").Select(path =>
        {
            using SafetensorsFile file = SafetensorsFile.Read(path);
            return file.Metadata["op"];
        })];
        Assert.Equal(SelfTest.Operators.Order(), ops.Order());
    }

    /// <summary>Copies a case with changes to its metadata and tensors.</summary>
    private CaseResult RunChanged(string name, Action<Dictionary<string, string>, Dictionary<string, Tensor>> change)
    {
        string copy = _folder.File(name + ".safetensors");
        using (SafetensorsFile file = SafetensorsFile.Read(Path.Combine(TestFiles.Golden, name + ".safetensors")))
        {
            Dictionary<string, string> metadata = new(file.Metadata);
            Dictionary<string, Tensor> tensors = file.Entries.ToDictionary(entry => entry.Name, entry => file.Load(entry.Name));
            change(metadata, tensors);
            SafetensorsFile.Write(copy, tensors, metadata);
        }
        return SelfTest.RunFile(copy, DType.Float64);
    }

    [Fact]
    public void A_copied_case_passes() => Assert.Null(RunChanged("linear", (_, _) => { }).Failure);

    [Theory]
    [InlineData("linear", "out")]
    [InlineData("linear", "grad.param.bias")]
    [InlineData("batch_norm_train", "buffer.running_var")]
    [InlineData("conv2d_16x24_k3s1p1_17", "grad.param.weight")]
    [InlineData("losses", "grad.dice")]
    [InlineData("optimizer_adamw", "out.p3")]
    [InlineData("window_attention_d96w7h3", "gradsample.param.qkv.weight")]
    [InlineData("window_attention_d96w7h3", "gradnorm.param.qkv.weight")]
    [InlineData("csunet_mini_eval", "out")]
    public void A_reference_that_is_off_in_one_entry_fails_and_is_named(string name, string tensor)
    {
        CaseResult result = RunChanged(name, (_, tensors) =>
        {
            Tensor changed = tensors[tensor];
            changed[changed.Count / 2] += 1e-5 * Math.Max(1e-3, Comparison.LargestEntry(changed));
        });
        Assert.False(result.Passed);
        Assert.Equal(tensor, result.Tensor);
        Assert.Contains(tensor, result.Failure);
        Assert.True(result.Share > 1);
    }

    [Fact]
    public void What_the_engine_does_not_know_fails_by_name()
    {
        Assert.Contains("fft", RunChanged("linear", (metadata, _) => metadata["op"] = "fft").Failure);
        Assert.Contains("'op'", RunChanged("linear", (metadata, _) => metadata.Remove("op")).Failure);
        Assert.Contains("dilation", RunChanged("conv2d_groups", (metadata, _) => metadata["dilation"] = "2").Failure);
        Assert.Contains("approximate=tanh", RunChanged("gelu", (metadata, _) => metadata["approximate"] = "tanh").Failure);
        Assert.Contains("align_corners=true", RunChanged("bilinear_resize", (metadata, _) => metadata["align_corners"] = "true").Failure);
        Assert.Contains("axis=0", RunChanged("softmax", (metadata, _) => metadata["axis"] = "0").Failure);
        Assert.Contains("training=yes", RunChanged("batch_norm_eval", (metadata, _) => metadata["training"] = "yes").Failure);
        Assert.Contains("param.scale", RunChanged("linear", (_, tensors) => tensors["param.scale"] = Tensor.Zeros([1])).Failure);
        Assert.Contains("param.weight", RunChanged("linear", (_, tensors) => tensors.Remove("param.weight")).Failure);
        Assert.Contains("float32_error", RunChanged("linear", (metadata, _) => metadata.Remove("float32_error")).Failure);
        Assert.Contains("ShapeException", RunChanged("linear", (_, tensors) => tensors["param.bias"] = Tensor.Zeros([3])).Failure);
        Assert.Contains("no gradient", RunChanged("gelu", (_, tensors) => tensors.Remove("grad.in.0")).Failure);
    }

    [Fact]
    public void An_error_of_the_engine_is_the_failure_of_the_case()
    {
        CaseResult result = RunChanged("conv2d_groups", (metadata, _) => metadata.Remove("groups"));
        // Without its groups the weight does not fit: the failure is the engine's own shape error.
        Assert.Contains("Conv2d", result.Failure);
    }

    [Fact]
    public void A_folder_reports_every_case_and_goes_on_after_a_failure()
    {
        RunChanged("gelu", (_, tensors) => tensors["out"][0] += 1);
        RunChanged("linear", (_, _) => { });
        File.WriteAllBytes(_folder.File("broken.safetensors"), [1, 2, 3]);
        var results = new List<CaseResult>();
        SelfTestSummary summary = SelfTest.Run(_folder.Path, DType.Float32, null, includeFullSize: true, results.Add);
        Assert.Equal(["broken", "gelu", "linear"], results.Select(result => result.Case));
        Assert.Equal([false, false, true], results.Select(result => result.Passed));
        Assert.Equal((1, 2, false), (summary.Passed, summary.Failed, summary.Succeeded));
        Assert.True(SelfTest.Run(_folder.Path, DType.Float32, "LIN", includeFullSize: true, _ => { }).Succeeded);
    }

    [Fact]
    public void A_folder_without_cases_is_an_error()
    {
        Assert.Throws<FileNotFoundException>(() => SelfTest.Run(_folder.Path, DType.Float32, null, true, _ => { }));
        Assert.Throws<FileNotFoundException>(() => SelfTest.Run(TestFiles.Golden, DType.Float32, "no such case", true, _ => { }));
        Assert.Throws<DirectoryNotFoundException>(() => SelfTest.Run(_folder.File("absent"), DType.Float32, null, true, _ => { }));
    }

    [Fact]
    public void Full_size_cases_are_left_out_by_name()
    {
        SelfTestSummary summary = SelfTest.Run(TestFiles.Golden, DType.Float32, "csunet_tiny_224_r18_eval", includeFullSize: false,
            _ => { });
        Assert.Equal(["csunet_tiny_224_r18_eval"], summary.LeftOut);
        Assert.False(summary.Succeeded);
    }

    [Fact]
    public void The_formula_gives_the_published_numbers()
    {
        // FNV-1a and splitmix64 against the test vectors of their authors.
        Assert.Equal(0xCBF29CE484222325ul, Formula.NameHash(""));
        Assert.Equal(0xAF63DC4C8601EC8Cul, Formula.NameHash("a"));
        Assert.Equal(0x85944171F73967E8ul, Formula.NameHash("foobar"));
        Assert.Equal((0xE220A8397B1DCDAFul >> 40) / 8388608.0 - 1, Formula.Uniform(0, 0));
        Tensor norm = Formula.Parameter("norm.weight", [4], DType.Float64),
            table = Formula.Parameter("a.bias_table", [9, 2], DType.Float64);
        Assert.All(Enumerable.Range(0, 4), i => Assert.InRange(norm[i], 0.9, 1.1));
        Assert.InRange(Comparison.LargestEntry(table), 0.05, 0.2);
        Assert.Equal((float)(Math.Sqrt(3.0 * 8 / 32) * Formula.Uniform(Formula.NameHash("fc.weight"), 5)),
            Formula.Parameter("fc.weight", [8, 4], DType.Float32)[5]);
    }
}
