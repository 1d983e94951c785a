using CsUnet.Kernels;
using CsUnet.Tensors;
using CsUnet.Tests.Support;
using CsUnet.Verification;

namespace CsUnet.Tests.Verification;

/// <summary>Every operator's cases: gradients, float32 against double, repeatability, and completely written buffers.</summary>
[Collection(KernelSettings.Name)]
public sealed class OperatorCaseTests
{
    public static TheoryData<string> Checks() => [.. GradCheckSuite.Names];

    public static TheoryData<string> Cases() => [.. OperatorCases.All.Select(item => item.Name)];

    private static OperatorCase Named(string name) => OperatorCases.All.Single(item => item.Name == name);

    [Fact]
    public void Every_operator_has_a_case()
    {
        IEnumerable<string> operators = typeof(Operator).Assembly.GetTypes()
            .Where(type => type.IsSubclassOf(typeof(Operator)) && !type.IsAbstract).Select(type => type.Name);
        Assert.Equal(operators.Order(), OperatorCases.All.Select(item => item.Op.Name).Distinct().Order());
    }

    [Theory]
    [MemberData(nameof(Checks))]
    public void Gradients_agree_with_central_differences(string name)
    {
        GradCheckReport report = GradCheckSuite.RunOne(name, all: TestFiles.RunsAll);
        Assert.True(report.Passed, report.Failure);
        Assert.True(report.Entries > 0);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Single_precision_repeats_double(string name)
    {
        OperatorCase item = Named(name);
        var expected = item.RunWithGradients(DType.Float64);
        var got = item.RunWithGradients(DType.Float32);
        Assert.Equal(expected.Select(result => result.Name), got.Select(result => result.Name));
        foreach (((string tensor, Tensor reference), (_, Tensor value)) in expected.Zip(got))
        {
            Comparison comparison = Comparison.Of(tensor, value, reference, Tolerances.Float32(item.Exactness));
            Assert.True(comparison.IsWithin, comparison.ToString());
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Bits_do_not_depend_on_threads_or_repetition(string name)
    {
        foreach (DType type in new[] { DType.Float32, DType.Float64 })
        {
            IReadOnlyList<(string Name, Tensor Value)> first = RunWith(1);
            foreach (int threads in new[] { 1, 2, 3, 7 })
                foreach (((string tensor, Tensor a), (_, Tensor b)) in first.Zip(RunWith(threads)))
                    Numbers.AssertSameBits(a, b, $"{tensor}, {type.Label()}, {threads} threads");

            IReadOnlyList<(string Name, Tensor Value)> RunWith(int threads)
            {
                using IDisposable settings = KernelSettings.Use(narrow: false, threads);
                return Named(name).RunWithGradients(type);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Every_element_of_every_buffer_is_written(string name)
    {
        OperatorCase item = Named(name);
        foreach (DType type in new[] { DType.Float32, DType.Float64 })
        {
            IReadOnlyList<(string Name, Tensor Value)> expected = item.RunWithGradients(type);
            using var arena = new StepArena();
            // The next step gets the blocks of this step back, filled with NaN.
            using (arena.BeginStep())
            {
                var held = new List<Tensor>();
                foreach ((_, Tensor value) in expected)
                    for (int copy = 0; copy < 4; copy++)
                        held.Add(Tensor.Full(value.Shape, double.NaN, type));
                for (int size = 1; size <= 1 << 14; size += Math.Max(1, size / 16))
                    for (int copy = 0; copy < 4; copy++)
                        held.Add(Tensor.Full([size], double.NaN, type));
                Assert.All(held, tensor => Assert.True(double.IsNaN(tensor[0])));
            }
            using StepArena.StepScope step = arena.BeginStep();
            foreach (((string tensor, Tensor a), (_, Tensor b)) in expected.Zip(item.RunWithGradients(type)))
                Numbers.AssertSameBits(a, b, $"{tensor}, {type.Label()}, in memory full of NaN");
        }
    }

    [Fact]
    public void Random_masks_of_the_cases_drop_some_and_keep_some()
    {
        foreach (OperatorCase item in OperatorCases.All.Where(item => item.Op is Dropout or DropPath))
        {
            Tensor output = item.RunWithGradients(DType.Float64)[0].Value;
            int zeros = Enumerable.Range(0, (int)output.Count).Count(i => output[i] == 0);
            Assert.InRange(zeros, 1, (int)output.Count - 1);
        }
    }

    [Fact]
    public void A_pattern_selects_checks_and_an_unknown_one_is_an_error()
    {
        var names = new List<string>();
        Assert.True(GradCheckSuite.Run(new GradCheckSelection { Pattern = "softmax" }, report => names.Add(report.Name)));
        Assert.NotEmpty(names);
        Assert.All(names, name => Assert.StartsWith("Softmax", name));
        Assert.Contains("Conv2d", Assert.Throws<InvalidValueException>(
            () => GradCheckSuite.Run(new GradCheckSelection { Pattern = "fft" }, _ => { })).Message);
    }
}
