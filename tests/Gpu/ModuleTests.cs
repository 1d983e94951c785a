using CsUnet.Autograd;
using CsUnet.Nn;
using CsUnet.Tensors;
using CsUnet.Tests.Support;

namespace CsUnet.Tests.Gpu;

/// <summary>Models moving between devices.</summary>
public sealed class ModuleTests
{
    private static Tensor Images()
    {
        Tensor images = Tensor.Empty([2, 32, 32, 3]);
        for (long i = 0; i < images.Count; i++)
            images[i] = Math.Sin(i);
        return images;
    }

    private static IReadOnlyList<byte[]> Bits(Module module) =>
        [.. StateDict.State(module).Select(entry => CudaDeviceFixture.Bits(entry.Value))];

    [Fact]
    public void Initial_weights_do_not_depend_on_the_device()
    {
        Device device = CudaDeviceFixture.Require();
        var here = new TinyModel();
        here.Initialize(3);
        Module there = new TinyModel().To(device);
        there.Initialize(3);
        Assert.Equal(device, there.Device);
        Assert.All(there.Parameters(), parameter => Assert.Equal(device, parameter.Value.Device));
        Assert.Equal(Bits(here), Bits(there));
        Assert.Equal(Bits(here), Bits(there.To(Device.Cpu)));
    }

    [Fact]
    public void Running_statistics_move_with_their_layer()
    {
        Device device = CudaDeviceFixture.Require();
        CudaDeviceFixture.ClearFindings();
        TinyModel here = new(), there = new();
        here.Initialize(3);
        there.Initialize(3);
        there.To(device);
        using (NoGrad.Begin())
        {
            here.Forward(new Variable(Images()));
            there.Forward(new Variable(Images().To(device)));
        }
        foreach (((string name, Tensor expected), (_, Tensor got)) in here.NamedBuffers().Zip(there.NamedBuffers()))
        {
            Assert.Equal(device, got.Device);
            Tensor host = got.To(Device.Cpu);
            Assert.NotEqual(name.EndsWith("mean", StringComparison.Ordinal) ? 0 : 1, host[0]);
            for (long i = 0; i < expected.Count; i++)
                Assert.Equal(expected[i], host[i], 1e-5);
        }
        CudaDeviceFixture.AssertNoFindings();
    }

    [Fact]
    public void Weights_pass_through_files_and_copies_between_devices()
    {
        Device device = CudaDeviceFixture.Require();
        using var workshop = new TrainingFixture();
        string path = workshop.Path("weights.safetensors");
        TinyModel source = new(), loaded = new(), copied = new();
        source.Initialize(5);
        StateDict.Save(source.To(device), path);
        using (SafetensorsFile file = SafetensorsFile.Read(path))
        {
            StateDict.Load(loaded, file);
            StateDict.Load(copied.To(device), file);
        }
        Assert.Equal(Bits(source), Bits(loaded));
        Assert.Equal(Bits(source), Bits(copied));
        loaded.Initialize(6);
        StateDict.Copy(loaded, copied);
        Assert.Equal(Bits(loaded), Bits(copied));
    }

    [Fact]
    public void The_result_of_an_operator_does_not_move()
    {
        Device device = CudaDeviceFixture.Require();
        var model = new LinearModel();
        model.Initialize(1);
        Variable logits = model.Forward(new Variable(Images()));
        Assert.Contains("only leaves", Assert.Throws<InvalidOperationException>(() => logits.MoveTo(device)).Message);
        Assert.Throws<ArgumentException>(() => logits.Backward(Tensor.Zeros(logits.Shape).To(device)));
    }
}
