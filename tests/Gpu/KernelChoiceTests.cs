using CsUnet.Kernels;
using CsUnet.Kernels.Cuda;
using CsUnet.Tensors;
using CsUnet.Tests.Support;

namespace CsUnet.Tests.Gpu;

/// <summary>A stored choice decides which kernel is launched.</summary>
public sealed class KernelChoiceTests
{
    [Fact]
    public void A_stored_choice_launches_other_kernels_until_its_file_is_deleted()
    {
        Device device = CudaDeviceFixture.Require();
        using var tuning = new TuningFolder();
        var op = new LayerNorm();
        Tensor[] inputs = [Tensor.Full([5, 32], 1).To(device), Tensor.Full([32], 1).To(device), Tensor.Full([32], 1).To(device)];
        Assert.StartsWith("layer_norm_forward_", Launched());
        KernelChoices.Store(device, op, inputs, new KernelChoice("any"));
        Assert.StartsWith("layer_norm_any_forward", Launched());
        KernelChoices.Reload();
        Assert.StartsWith("layer_norm_any_forward", Launched());
        File.Delete(KernelChoices.PathOf(device));
        KernelChoices.Reload();
        Assert.StartsWith("layer_norm_forward_", Launched());

        string Launched()
        {
            using var launches = new LaunchTrace();
            OperatorCall.Run(op, inputs);
            return Assert.Single(launches.Entries).Kernel;
        }
    }
}
