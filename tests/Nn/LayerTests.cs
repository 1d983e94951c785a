using CsUnet.Autograd;
using CsUnet.Nn;
using CsUnet.Tensors;
using CsUnet.Tests.Support;

namespace CsUnet.Tests.Nn;

/// <summary>Sequential, the layers and the optimisers, used like a user of the packages would.</summary>
public sealed class LayerTests
{
    private static Sequential Network(DType type = DType.Float32) => new(
        new Conv2d(2, 8, 3, stride: 2, padding: 1, groups: 2, type: type), new BatchNorm2d(8, type), new ReLU(type),
        new MaxPool2d(2, type: type), new Conv2d(8, 4, 1, bias: false, type: type), new GELU(type), new Flatten(type),
        new Linear(16, 12, type: type), new LayerNorm(12, type),
        new Dropout(0.25, type), new Linear(12, 3, bias: false, type));

    [Fact]
    public void Layers_run_one_after_the_other()
    {
        Sequential network = Network().Initialize(seed: 1).Eval();
        Variable images = Tensor.Normal([5, 8, 8, 2], seed: 2);
        Variable expected = images;
        foreach (Layer layer in network.Layers)
            expected = layer.Forward(expected);
        Variable output = network.Forward(images);
        Assert.Equal(new Shape(5, 3), output.Shape);
        Numbers.AssertSameBits(expected.Value, output.Value, "network");
    }

    [Fact]
    public void A_network_like_another_has_its_settings_and_its_weights_from_a_file()
    {
        using var folder = new TemporaryFolder();
        Sequential network = Network().Initialize(seed: 1);
        var optimizer = new AdamW(network, learningRate: 1e-2);
        Tensor images = Tensor.Normal([5, 8, 8, 2], seed: 2), labels = Tensor.Integers([5], below: 3, seed: 3);
        optimizer.Minimise(() => network.Forward(images).CrossEntropy(labels));
        Sequential again = Sequential.Like(network);
        Assert.Equal(network.NamedParameters().Select(named => (named.Name, named.Parameter.Shape)),
            again.NamedParameters().Select(named => (named.Name, named.Parameter.Shape)));
        network.Save(folder.File("network.safetensors"));
        again.Load(folder.File("network.safetensors"));
        Numbers.AssertSameBits(network.Eval().Forward(images).Value, again.Eval().Forward(images).Value, "network");
        Assert.Throws<WeightFileException>(() => new Sequential(new Linear(2, 2)).Load(folder.File("network.safetensors")));
    }

    [Fact]
    public void Gradients_of_a_network_agree()
    {
        Sequential network = Network(DType.Float64).Initialize(seed: 1);
        network.SetRandomKey(5, 6);
        var images = new Variable(Tensor.Normal([4, 8, 8, 2], seed: 2, DType.Float64), requiresGradient: true, "images");
        GradientCheckResult result = GradientCheck.Run(
            () => network.Forward(images), [images, .. network.Parameters()],
            new GradientCheckOptions { MaxEntries = 20, MaxUndecided = 0.3 });
        Assert.True(result.Passed, result.Failures);
    }

    [Fact]
    public void Dropout_drops_in_training_only()
    {
        var layer = new Dropout(0.5);
        Variable ones = Tensor.Full([1000], 1);
        layer.SetRandomKey(1, 0);
        float[] first = layer.Forward(ones).Value.ToArray<float>();
        Assert.InRange(first.Count(value => value == 0), 430, 570);
        Assert.All(first, value => Assert.True(value is 0 or 2));
        layer.SetRandomKey(1, 1);
        Assert.NotEqual(first, layer.Forward(ones).Value.ToArray<float>());
        Assert.Same(ones, layer.Eval().Forward(ones));
    }

    [Fact]
    public void Layers_of_two_types_are_refused() => Assert.Contains("layer 1 is of float64, expected float32",
        Assert.Throws<ArgumentException>(() => new Sequential(new Linear(2, 2), new ReLU(DType.Float64))).Message);

    [Fact]
    public void Minimise_is_clear_backward_and_step()
    {
        Tensor images = Tensor.Normal([6, 8, 8, 2], seed: 2), labels = Tensor.Integers([6], below: 3, seed: 3, DType.Int32);
        Sequential one = Network().Initialize(seed: 1), other = Network().Initialize(seed: 1);
        var minimised = new SGD(one, learningRate: 0.1, momentum: 0.9) { Seed = 7 };
        var byHand = new SGD(other, learningRate: 0.1, momentum: 0.9);
        for (int step = 0; step < 3; step++)
        {
            double loss = minimised.Minimise(() => one.Forward(images).CrossEntropy(labels));
            // The same without an arena.
            other.SetRandomKey(7, (uint)step);
            byHand.ClearGradients();
            Variable value = other.Forward(images).CrossEntropy(labels);
            value.Backward();
            byHand.Step();
            Assert.Equal(value.Item(), loss);
        }
        foreach (((string name, Parameter a), (_, Parameter b)) in one.NamedParameters().Zip(other.NamedParameters()))
            Numbers.AssertSameBits(a.Value, b.Value, name);
        Assert.Equal(3, minimised.StepCount);
    }

    [Fact]
    public void A_loss_without_parameters_is_refused()
    {
        Sequential network = Network().Initialize();
        Tensor number = Tensor.Full([1], 1);
        Assert.Contains("does not depend on any variable", Assert.Throws<InvalidOperationException>(
            () => new AdamW(network).Minimise(() => new Variable(number))).Message);
    }

    [Fact]
    public void A_step_arena_that_nobody_disposes_is_freed()
    {
        static WeakReference Use()
        {
            var arena = new StepArena();
            using (arena.BeginStep())
                Tensor.Zeros([1000]);
            return new WeakReference(arena, trackResurrection: false);
        }
        WeakReference used = Use();
        for (int i = 0; i < 10 && used.IsAlive; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }
        Assert.False(used.IsAlive);
    }
}
