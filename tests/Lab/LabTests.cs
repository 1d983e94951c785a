using CsUnet.Cuda.BasicTypes;
using CsUnet.Kernels;
using CsUnet.Kernels.Cuda;
using CsUnet.Lab;
using CsUnet.Tensors;
using CsUnet.Verification;

namespace CsUnet.Tests.Lab;

/// <summary>The kernel lab's shapes, tables, projections and times, as far as they work without a CUDA device.</summary>
public sealed class LabTests
{
    public static TheoryData<string> Operators => [.. LabCases.Operators.Select(entry => entry.Name)];

    public static TheoryData<string> Fused =>
        [.. LabCases.Matching(null).Where(item => item.Composition is not null).Select(item => item.Op).Distinct()];

    [Theory, MemberData(nameof(Operators))]
    public void A_usual_shape_of_an_operator_runs_with_fewer_rows(string name)
    {
        Assert.All(LabCases.Matching(name), item => Assert.Equal(name, item.Op));
        OperatorCase smallest = Smallest(name).Case;
        Tensor output = CsUnet.Autograd.Variable.Apply(smallest.Op, smallest.CreateInputs(DType.Float32)).Value;
        double largest = Comparison.LargestEntry(output);
        Assert.True(largest > 0 && double.IsFinite(Comparison.Norm(output)), $"{smallest}: the largest entry of {output} is {largest}");
    }

    /// <summary>The smallest usual shape of an operator. Each is cut to one image of 14x14, or to 98 rows: channels stay.</summary>
    private static LabCase Smallest(string name) => LabCases.Matching(name)
        .Select(item => LabCases.Create(name, Cut(item.Shape)))
        .MinBy(item => item.Case.Inputs.Sum(input => input?.Shape.Count ?? 0))!;

    private static string Cut(string shape) => shape.Split(' ')[0].Count(letter => letter == 'x') switch
    {
        1 => $"98x{shape.Split('x', 2)[1]}",
        3 => $"1x14x14x{shape.Split('x', 4)[3]}",
        _ => throw new ArgumentException($"{shape}: expected rows x channels, or B x H x W x C"),
    };

    [Theory]
    [InlineData("layer_norm", "10x", "cannot be read")]
    [InlineData("layer_norm", "0x96", "does not fit")]
    [InlineData("linear", "6272x96", "does not fit")]
    [InlineData("conv2d", "56x56x64->64", "does not fit")]
    [InlineData("window_attention", "1x10x14x64 window 7 heads 2", "multiples of window 7")]
    [InlineData("warp_drive", "1x1", "the lab has no operator 'warp_drive'")]
    public void A_shape_that_does_not_fit_is_refused(string op, string shape, string expected) =>
        Assert.Contains(expected, Assert.Throws<InvalidValueException>(() => LabCases.Create(op, shape)).Message);

    [Theory, MemberData(nameof(Fused))]
    public void A_composition_equals_its_fused_operator(string name)
    {
        string? small = name switch
        {
            "conv_batch_norm_relu" => "2x6x5x8->12 kernel 3",
            "gelu_mlp" => "10x8->20",
            "patch_merge_norm" => "2x4x6x5",
            "pixel_shuffle_norm" => "2x3x2x32 scale 2",
            "cross_entropy_dice" => "40x3",
            _ => null,
        };
        LabCase item = small is null ? Smallest(name) : LabCases.Create(name, small);
        IReadOnlyList<(string Name, Tensor Value)> fused = Run(inputs => CsUnet.Autograd.Variable.Apply(item.Case.Op, [.. inputs])),
            composed = Run(item.Composition!);
        Assert.True(fused.Count > 1, "no gradient was compared");
        foreach (((string Name, Tensor Value) expected, (_, Tensor got)) in fused.Zip(composed))
        {
            Comparison comparison = Comparison.Of(expected.Name, got, expected.Value, 1e-11);
            Assert.True(comparison.IsWithin, $"{item}: {comparison}");
        }

        IReadOnlyList<(string, Tensor)> Run(Func<IReadOnlyList<CsUnet.Autograd.Variable?>, CsUnet.Autograd.Variable> apply)
        {
            CsUnet.Autograd.Variable?[] inputs = item.Case.CreateInputs(DType.Float64);
            CsUnet.Autograd.Variable output = apply(inputs).Keep();
            output.Backward(OperatorCase.CreateCotangent(output.Shape, DType.Float64));
            return [("output", output.Value),
                .. inputs.Where(input => input is { RequiresGradient: true }).Select(input => (input!.Name!, input.Gradient!))];
        }
    }

    [Fact]
    public void A_bench_measures_a_time_within_the_machines_limits()
    {
        var bench = new Bench(Device.Cpu, DType.Float32, seconds: 0.05);
        LabCase item = LabCases.Create("linear", "256x128->128");
        BenchRow row = bench.Measure(item, Pass.Backward, new KernelChoice("only"), TestContext.Current.CancellationToken);
        Assert.InRange(row.Times.Median, 1e-7, 1);
        Assert.InRange(row.Times.Median, row.Times.Low, row.Times.High);
        Assert.Equal(2.0 * 2 * 256 * 128 * 128, row.Flops);
        Assert.True(row.Bytes > 4 * (256 * 128 * 3 + 128 * 128 * 2), $"{row.Bytes}");
        Assert.Empty(row.Launches);
    }

    [Fact]
    public void What_fails_its_check_is_not_timed()
    {
        var bench = new Bench(Device.Cpu, DType.Float32);
        OperatorCase wrong = new("(3,4)", new WrongInFloat(), Exactness.Elementwise, new OperatorInput("input", [3, 4]));
        Assert.Contains("WrongInFloat", Assert.Throws<CheckFailedException>(() =>
            bench.Measure(new LabCase("wrong", "3x4", wrong), Pass.Forward, new KernelChoice("only"), CancellationToken.None)).Message);
    }

    private sealed record WrongInFloat : Operator
    {
        public override Tensor Forward(OperatorCall call)
        {
            Tensor output = call[0].Clone();
            if (output.DType == DType.Float32)
                output[0] += 0.5;
            return output;
        }

        public override void Backward(OperatorCall call, Tensor dOutput, GradientSink gradients) => gradients.Pass(0, dOutput);
    }

    [Fact]
    public void Occupancy_follows_registers_shared_memory_and_threads()
    {
        Gpu a100 = Gpu.Named("a100");
        Assert.Equal(8, a100.BlocksPerMultiprocessor(256, 32, 0));          // 64 warps
        Assert.Equal(2, a100.BlocksPerMultiprocessor(256, 128, 0));         // 65536 registers
        Assert.Equal(3, a100.BlocksPerMultiprocessor(128, 32, 50 * 1024));  // 164 KiB, and 1 KiB more per block
        Assert.Equal(0, a100.BlocksPerMultiprocessor(128, 32, 164 * 1024));
        Assert.Contains("h200", Assert.Throws<InvalidValueException>(() => Gpu.Named("h300")).Message);
        Assert.All(Gpu.All, gpu => Assert.NotEmpty(gpu.Source));
    }

    [Fact]
    public void A_copy_is_projected_to_the_memorys_speed_and_a_small_one_to_the_launch()
    {
        Gpu h200 = Gpu.Named("h200");
        var resources = new KernelResources(h200.Architecture);
        ProjectedLaunch Of(long bytes, uint blocks) => Projection.Of(new CountedLaunch(
            new LaunchTrace.Entry("add", "add_forward_float32", new dim3(blocks), new dim3(256), 0, bytes), bytes / 32.0, bytes / 32.0, 0,
            0, 0, 0, "Add"), h200, resources);
        ProjectedLaunch large = Of(4L << 30, 132 * 16), small = Of(4096, 4);
        Assert.Equal(Bound.Memory, large.Bound);
        Assert.Equal((4L << 30) / (4.8e12 * 0.9), large.Seconds, 1e-9);
        Assert.Equal(Bound.Launch, small.Bound);
        Assert.Equal(1.5e-6, small.Seconds, 1e-12);
        Assert.NotNull(large.Usage);
    }

    [Fact]
    public void Multiprocessors_without_a_block_slow_a_launch_down_but_not_its_bound()
    {
        Gpu h200 = Gpu.Named("h200");
        ProjectedLaunch launch = Projection.Of(new CountedLaunch(
            new LaunchTrace.Entry("gemm", "gemm_nt_64x64_bf16", new dim3(1), new dim3(128), 0, 4096), 128, 128, 0, 0, 1e9, 0,
            "Linear"), h200, new KernelResources(h200.Architecture));
        Assert.Equal(Bound.Matrix, launch.Bound);
        Assert.Equal(1e9 * 2 * 16 * 8 * 16 / h200.MatrixFlops(bf16: true), launch.ArithmeticSeconds, 1e-9);
        Assert.Equal(launch.Seconds, h200.Multiprocessors * launch.ArithmeticSeconds, 1e-9);
    }

    [Fact]
    public void Logs_of_ptxas_and_PTX_are_read()
    {
        IReadOnlyDictionary<string, KernelUsage> usage = KernelResources.Parse("""
            ptxas info    : Compiling entry function '_Z3fooPf' for 'sm_90'
            ptxas info    : Function properties for _Z3fooPf
                16 bytes stack frame, 8 bytes spill stores, 12 bytes spill loads
            ptxas info    : Used 40 registers, 2048 bytes smem, 400 bytes cmem[0]
            """);
        Assert.Equal(new KernelUsage(40, 2048, 20), usage["_Z3fooPf"]);
        PtxCounts counts = PtxCounts.Of("""
            .visible .entry _Z3fooPf(
            	.param .u64 _Z3fooPf_param_0
            )
            {
            	.reg .f32 %f<4>;
            	ld.param.u64 	%rd1, [_Z3fooPf_param_0];
            	@%p1 ld.global.f32 	%f1, [%rd1];
            	fma.rn.f32 	%f2, %f1, %f1, %f1;
            	bar.sync 	0;
            	st.shared.f32 	[%rd1], %f2;
            	ret;
            }
            """)["_Z3fooPf"];
        Assert.Equal(new PtxCounts(6, 1, 1, 0, 1, 1), counts);
    }

    [Fact]
    public void A_variants_space_is_every_combination()
    {
        LaunchParameter tile = new("tile", [64, 128], Usual: 128), stages = new("stages", [2, 3, 4], Usual: 3);
        var variant = new KernelVariant("tiled", "", tile, stages);
        KernelChoice[] space = [.. variant.Space()];
        Assert.Equal(6, space.Distinct().Count());
        KernelChoice[] small = [.. space.Where(choice => choice.Value(tile) == 64 && choice.Value(stages) == 2)];
        Assert.Equal("tiled stages=2 tile=64", Assert.Single(small).ToString());
        Assert.Equal(128, new KernelChoice("tiled").Value(tile));
    }

    [Fact]
    public void A_choice_for_a_linear_layer_holds_for_every_arrangement_of_its_rows()
    {
        Tensor weight = Tensor.Zeros([12, 8]), bias = Tensor.Zeros([12]);
        string asRows = Key(new Linear(), Tensor.Zeros([30, 8]), weight, bias);
        var dropPath = new DropPath(0.1, new RandomKey(1, 2, 3));
        Assert.Equal(asRows, Key(new Linear(dropPath), Tensor.Zeros([2, 3, 5, 8]), weight, bias, Tensor.Zeros([2, 3, 5, 12])));
        Assert.NotEqual(asRows, Key(new Linear(), Tensor.Zeros([31, 8]), weight, bias));
        Assert.NotEqual(
            Key(new Conv2d(1, 1), Tensor.Zeros([1, 4, 4, 8]), Tensor.Zeros([8, 3, 3, 8])),
            Key(new Conv2d(2, 1), Tensor.Zeros([1, 4, 4, 8]), Tensor.Zeros([8, 3, 3, 8])));

        static string Key(Operator op, params Tensor?[] inputs) => KernelChoices.Key(new OperatorCall(op, inputs));
    }
}
