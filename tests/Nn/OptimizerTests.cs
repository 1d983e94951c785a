using System.Globalization;
using CsUnet.Autograd;
using CsUnet.Kernels;
using CsUnet.Nn;
using CsUnet.Tensors;
using AdamW = CsUnet.Kernels.AdamW;

namespace CsUnet.Tests.Nn;

public class OptimizerTests
{
    [Theory]
    [InlineData("optimizer_adamw", DType.Float32)]
    [InlineData("optimizer_adamw", DType.Float64)]
    [InlineData("optimizer_sgd", DType.Float32)]
    [InlineData("optimizer_sgd", DType.Float64)]
    public void Steps_agree_with_torch(string name, DType type)
    {
        using SafetensorsFile golden = SafetensorsFile.Read(Path.Combine(TestFiles.Golden, name + ".safetensors"));
        double Setting(string key) => double.Parse(golden.Metadata[key], CultureInfo.InvariantCulture);
        var module = new OneParameter(golden.Load("in.p").To(type));
        Optimizer optimizer = name.EndsWith("sgd", StringComparison.Ordinal)
            ? new SGD(module) { Momentum = Setting("momentum"), WeightDecay = Setting("weight_decay") }
            : new CsUnet.Nn.AdamW(module)
            {
                Beta1 = Setting("beta1"), Beta2 = Setting("beta2"), Epsilon = Setting("eps"), WeightDecay = Setting("weight_decay"),
            };
        optimizer.LearningRate = Setting("lr");
        double tolerance = type == DType.Float64 ? 1e-6 : Math.Max(4 * Setting("float32_error"), 1e-5);
        for (int step = 0; step < 5; step++)
        {
            module.SetGradient(golden.Load($"in.grad{step}").To(type));
            optimizer.Step();
            Tensor expected = golden.Load($"out.p{step}");
            double largest = Enumerable.Range(0, (int)expected.Count).Max(i => Math.Abs(expected[i]));
            for (int i = 0; i < expected.Count; i++)
                Assert.True(Math.Abs(module.Weight.Value[i] - expected[i]) <= tolerance * largest,
                    $"step {step}, element {i}: {module.Weight.Value[i]}, expected {expected[i]}");
        }
        Assert.Equal(5, optimizer.StepCount);
    }

    // The vector loop and the remainder loop must use the same arithmetic, or results would depend on the machine's vector width.
    [Fact]
    public void Every_element_is_treated_alike_wherever_it_stands()
    {
        for (int length = 1; length < 70; length++)
        {
            Tensor Values(double scale) => Tensor.Full([length], scale);
            (Tensor p, Tensor g, Tensor m, Tensor v) = (Values(0.7), Values(-0.3), Values(0.1), Values(0.02));
            (Tensor q, Tensor u) = (Values(0.7), Values(0.1));
            for (int step = 1; step <= 3; step++)
            {
                new AdamW(1e-2, WeightDecay: 0.1).Update(new(p, g, m, v), step);
                new Sgd(1e-2, 0.9, 0.1).Update(new(q, g, u), step);
            }
            foreach (Tensor tensor in new[] { p, m, v, q, u })
                Assert.Single(tensor.AsSpan<float>().ToArray().Distinct());
        }
    }

    [Fact]
    public void Norm_and_clipping_are_those_of_all_gradients_together()
    {
        Tensor a = Tensor.From<float>([3, 0, 0], [3]), b = Tensor.From<double>([0, 4], [2]);
        Assert.Equal(5, GradientNorm.Of([a, b]), 12);
        Assert.Equal(5, GradientNorm.Clip([a, b], 10), 12);
        Assert.Equal(3, a[0]);
        Assert.Equal(5, GradientNorm.Clip([a, b], 1), 12);
        Assert.Equal(3.0 / (5 + 1e-6), a[0], 6);
        Assert.Equal(4.0 / (5 + 1e-6), b[1], 12);
        Assert.Throws<ArgumentOutOfRangeException>(() => GradientNorm.Clip([a], 0));
    }

    [Fact]
    public void Norm_of_many_chunks_does_not_depend_on_threads()
    {
        Tensor tensor = Tensor.Empty([100_003]);
        for (int i = 0; i < tensor.Count; i++)
            tensor[i] = new RandomKey(1, 0, 0).Normal((ulong)i);
        double norm = GradientNorm.Of([tensor]);
        double plain = Math.Sqrt(Enumerable.Range(0, (int)tensor.Count).Sum(i => tensor[i] * tensor[i]));
        Assert.Equal(plain, norm, 9);
        // Inside a parallel region, work runs on one thread.
        var alone = new double[4];
        Workers.Run(alone.Length, i => alone[i] = GradientNorm.Of([tensor]));
        Assert.All(alone, value => Assert.Equal(norm, value));
    }

    [Theory]
    [InlineData(double.NaN)]
    [InlineData(double.PositiveInfinity)]
    public void One_bad_number_is_seen(double bad)
    {
        Tensor tensor = Tensor.Full([40_000], 1e30);
        Assert.True(GradientNorm.IsFinite(tensor));
        Assert.True(GradientNorm.IsFinite(Tensor.Full([100], 1e200, DType.Float64)));
        tensor[39_999] = bad;
        Assert.False(GradientNorm.IsFinite(tensor));
        Assert.False(double.IsFinite(GradientNorm.Of([tensor])));
    }

    [Fact]
    public void Tensors_that_do_not_fit_are_refused_by_name()
    {
        Tensor p = Tensor.Zeros([3]);
        Assert.Contains("AdamW: mean",
            Assert.Throws<ShapeException>(() => new AdamW(1).Update(new(p, p, Tensor.Zeros([4]), p), 1)).Message);
        Assert.Contains("Sgd: velocity", Assert.Throws<ShapeException>(() => new Sgd(1, 0.9).Update(new(p, p), 1)).Message);
        Assert.Contains("Sgd: state", Assert.Throws<ShapeException>(() => new Sgd(1).Update(new(p, p, p, p), 1)).Message);
        Assert.Contains("AdamW: gradient",
            Assert.Throws<ShapeException>(() => new AdamW(1).Update(new(p, Tensor.Zeros([3], DType.Float64), p, p), 1)).Message);
    }

    [Fact]
    public void No_parameter_changes_if_one_does_not_fit()
    {
        Tensor p = Tensor.Full([3], 1), g = Tensor.Full([3], 1);
        Assert.Throws<ShapeException>(() => new ParameterUpdates().Run(new Sgd(1), [new(p, g), new(p, Tensor.Zeros([4]))], 1));
        Assert.Equal(1, p[0]);
        new ParameterUpdates().Run(new Sgd(1), [new(p, g)], 1);
        Assert.Equal(0, p[0]);
    }

    [Fact]
    public void A_step_without_gradients_is_refused()
    {
        var module = new OneParameter(Tensor.Full([3], 1));
        var optimizer = new SGD(module);
        Assert.Contains("call Backward", Assert.Throws<InvalidOperationException>(optimizer.Step).Message);
        Assert.Equal(0, optimizer.StepCount);
    }

    private sealed class OneParameter : Module
    {
        public OneParameter(Tensor start) : base(start.DType)
        {
            Weight = RegisterParameter("weight", start.Shape, Initializer.Zeros);
            Weight.SetValue(start);
        }

        public Parameter Weight { get; }

        public void SetGradient(Tensor gradient)
        {
            ClearGradients();
            Variable.Apply(new Add(), Weight, new Variable(Tensor.ZerosLike(gradient))).Backward(gradient);
        }
    }
}
