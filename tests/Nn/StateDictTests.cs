using CsUnet.Autograd;
using CsUnet.Nn;
using CsUnet.Tensors;
using CsUnet.Tests.Support;

namespace CsUnet.Tests.Nn;

/// <summary>State dictionaries: layouts, deferred allocation, and loading files with more or fewer tensors than a module.</summary>
public sealed class StateDictTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private string WeightFile => _folder.File("w.safetensors");

    public void Dispose() => _folder.Dispose();

    /// <summary>Two parameters of four dimensions, one of them a convolution's, and a buffer.</summary>
    private sealed class Part : Module
    {
        public Part(int outputs = 2) : base(DType.Float32)
        {
            Table = RegisterParameter("table", [1, 2, 3, 4], Initializer.TruncatedNormal);
            Kernel = RegisterParameter("kernel", [outputs, 1, 3, 4], Initializer.TruncatedNormal, ParameterLayout.Convolution);
            Count = RegisterBuffer("count", [2], 7);
        }

        public Parameter Table { get; }

        public Parameter Kernel { get; }

        public Variable Count { get; }
    }

    private sealed class Whole : Module
    {
        public Whole() : base(DType.Float32)
        {
            First = Register("first", new Part());
            Second = Register("second", new Part());
        }

        public Part First { get; }

        public Part Second { get; }
    }

    private static double[] Numbers(Variable variable) =>
        [.. Enumerable.Range(0, (int)variable.Value.Count).Select(i => variable.Value[i])];

    private SafetensorsFile Saved(Module module, Action<Dictionary<string, Tensor>>? change = null)
    {
        Dictionary<string, Tensor> tensors = new(StateDict.Of(module));
        change?.Invoke(tensors);
        SafetensorsFile.Write(WeightFile, tensors);
        return SafetensorsFile.Read(WeightFile);
    }

    [Fact]
    public void Only_the_weight_of_a_convolution_is_permuted()
    {
        var part = new Part();
        part.Initialize(1);
        using SafetensorsFile file = Saved(part);
        Assert.Equal(new Shape(1, 2, 3, 4), file.Entry("table").Shape);
        Assert.Equal(Numbers(part.Table), Enumerable.Range(0, 24).Select(i => file.Load("table")[i]));
        // (O, KH, KW, I) = (2, 1, 3, 4) is stored in the file as (2, 4, 1, 3).
        Assert.Equal(new Shape(2, 4, 1, 3), file.Entry("kernel").Shape);
        Assert.Equal(part.Kernel.Value[(1 * 3 + 2) * 4 + 3], file.Load("kernel")[(1 * 4 + 3) * 3 + 2]);
        var loaded = new Part();
        StateDict.Load(loaded, file);
        Assert.Equal(Numbers(part.Table), Numbers(loaded.Table));
        Assert.Equal(Numbers(part.Kernel), Numbers(loaded.Kernel));
    }

    [Fact]
    public void A_convolution_has_a_weight_of_four_dimensions() =>
        Assert.Contains("parameter flat is (2,3)", Assert.Throws<ArgumentException>(() => new Flat()).Message);

    private sealed class Flat : Module
    {
        public Flat() : base(DType.Float32) => RegisterParameter("flat", [2, 3], Initializer.Ones, ParameterLayout.Convolution);
    }

    [Fact]
    public void A_module_has_no_memory_until_it_is_initialised_or_loaded()
    {
        var part = new Part();
        Assert.Equal(48, part.ParameterCount);
        Assert.False(part.Table.HasValue);
        string message = Assert.Throws<InvalidOperationException>(() => part.Table.Value).Message;
        Assert.Equal("table float32 (1,2,3,4) has no value yet; initialise the module that it belongs to, or load its weights", message);
        Assert.Throws<InvalidOperationException>(() => StateDict.Save(part, WeightFile));
        Assert.Throws<InvalidOperationException>(() => new AdamW(part));
        part.Allocate();
        Assert.All(Numbers(part.Kernel), value => Assert.Equal(0, value));
        Assert.Equal([7, 7], Numbers(part.Count));
    }

    [Fact]
    public void Initialising_again_starts_anew()
    {
        var part = new Part();
        part.Initialize(3);
        double[] first = Numbers(part.Table);
        Tensor memory = part.Table.Value;
        part.Count.Value[0] = 1;
        part.Table.Value[0] = 5;
        part.Initialize(3);
        Assert.Equal(first, Numbers(part.Table));
        Assert.Equal([7, 7], Numbers(part.Count));
        // An optimiser created before still refers to the same memory.
        Assert.Same(memory, part.Table.Value);
    }

    [Fact]
    public void A_value_of_another_shape_or_type_is_refused()
    {
        var part = new Part();
        Assert.Contains("expected float32 (1,2,3,4)",
            Assert.Throws<ArgumentException>(() => part.Table.SetValue(Tensor.Zeros([24]))).Message);
        Assert.Throws<ArgumentException>(() => part.Table.SetValue(Tensor.Zeros([1, 2, 3, 4], DType.Float64)));
    }

    [Fact]
    public void A_file_of_any_format_is_loaded_and_compared_by_the_same_rules()
    {
        var source = new Part();
        source.Initialize(4);
        Saved(source, tensors => tensors["fc.weight"] = Tensor.Zeros([3, 2])).Dispose();
        using CsUnet.Weights.WeightFile file = CsUnet.Weights.WeightFile.Open(WeightFile);
        var part = new Part();
        Assert.Contains("fc.weight (3,2) is not in the model", Assert.Throws<WeightFileException>(
            () => StateDict.Load(part, file)).Message);
        Assert.False(part.Table.HasValue);
        StateReport compared = StateDict.Compare(part, file);
        Assert.Equal((3, 0, 0, "fc.weight"),
            (compared.Loaded.Count, compared.Missing.Count, compared.Unfit.Count, Assert.Single(compared.LeftOver)));
        Assert.False(part.Table.HasValue);
        StateReport report = StateDict.Load(part, file, new StateLoading { Ignored = ["fc.*"] });
        Assert.Equal(3, report.Loaded.Count);
        Assert.Equal(Numbers(source.Kernel), Numbers(part.Kernel));
        Assert.Equal(["kernel is (2,4,1,3), expected (3,4,1,3)"], StateDict.Compare(new Part(outputs: 3), file).Unfit);
    }

    [Fact]
    public void A_prefix_loads_one_part_of_a_file()
    {
        var whole = new Whole();
        whole.Initialize(2);
        using SafetensorsFile file = Saved(whole);
        var part = new Part();
        StateReport report = StateDict.Load(part, file, new StateLoading { Prefix = "second." });
        Assert.Equal(Numbers(whole.Second.Kernel), Numbers(part.Kernel));
        Assert.Equal(["table", "kernel", "count"], report.Loaded);
        Assert.Empty(report.Missing);
        Assert.Empty(report.LeftOver);
        Assert.Contains("third.table (1,2,3,4) is missing", Assert.Throws<WeightFileException>(
            () => StateDict.Load(part, file, new StateLoading { Prefix = "third." })).Message);
    }

    [Fact]
    public void What_is_missing_or_left_over_is_an_error_or_reported()
    {
        var source = new Part();
        source.Initialize(4);
        using SafetensorsFile file = Saved(source, tensors =>
        {
            tensors.Remove("table");
            tensors["fc.weight"] = Tensor.Zeros([3, 2]);
            tensors["fc.bias"] = Tensor.Zeros([3]);
            tensors["bn.num_batches_tracked"] = Tensor.From<long>([9], []);
        });
        var part = new Part();
        string message = Assert.Throws<WeightFileException>(() => StateDict.Load(part, file)).Message;
        foreach (string problem in new[] { "table (1,2,3,4) is missing", "fc.weight (3,2) is not in the model",
            "fc.bias (3) is not in the model" })
            Assert.Contains(problem, message);
        Assert.DoesNotContain("num_batches_tracked", message);
        Assert.False(part.Kernel.HasValue);

        StateReport report = StateDict.Load(part, file, new StateLoading { IsStrict = false, Ignored = ["*.bias"] });
        Assert.Equal(["kernel", "count"], report.Loaded);
        Assert.Equal(["table"], report.Missing);
        Assert.Equal(["fc.weight"], report.LeftOver);
        Assert.Equal(["bn.num_batches_tracked", "fc.bias"], report.Ignored.Order());
        Assert.Equal(Numbers(source.Kernel), Numbers(part.Kernel));
        // A tensor that the file does not contain is unchanged: here it has no value.
        Assert.False(part.Table.HasValue);
    }

    [Fact]
    public void A_head_is_ignored_by_its_pattern()
    {
        var source = new Part();
        source.Initialize(4);
        using SafetensorsFile file = Saved(source, tensors => tensors["fc.weight"] = Tensor.Zeros([3, 2]));
        StateReport report = StateDict.Load(new Part(), file, new StateLoading { Ignored = ["fc.*"] });
        Assert.Equal(["fc.weight"], report.Ignored);
        Assert.Equal(3, report.Loaded.Count);
    }

    [Fact]
    public void A_shape_that_differs_is_always_an_error()
    {
        var source = new Part(outputs: 3);
        source.Initialize(4);
        using SafetensorsFile file = Saved(source);
        var part = new Part();
        part.Initialize(5);
        double[] before = Numbers(part.Table);
        Assert.Contains("kernel is (3,4,1,3), expected (2,4,1,3)", Assert.Throws<WeightFileException>(
            () => StateDict.Load(part, file, new StateLoading { IsStrict = false })).Message);
        Assert.Equal(before, Numbers(part.Table));
    }

    [Fact]
    public void A_file_of_which_nothing_fits_is_refused()
    {
        var part = new Part();
        part.Initialize(1);
        using SafetensorsFile file = Saved(part);
        Assert.Contains("none of its 3 names is one of the model's, such as first.table", Assert.Throws<WeightFileException>(
            () => StateDict.Load(new Whole(), file, new StateLoading { IsStrict = false })).Message);
    }
}
