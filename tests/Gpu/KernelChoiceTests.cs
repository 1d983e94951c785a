using CsUnet.Autograd;
using CsUnet.Kernels;
using CsUnet.Kernels.Cuda;
using CsUnet.Nn;
using CsUnet.Tensors;
using CsUnet.Models.Encoders;
using CsUnet.Tests.Support;
using CsUnet.Verification;

namespace CsUnet.Tests.Gpu;

/// <summary>A stored choice decides which kernel is launched.</summary>
public sealed class KernelChoiceTests
{
    [Fact]
    public void A_stored_choice_launches_other_kernels_until_its_file_is_deleted()
    {
        Device device = CudaDeviceFixture.Require();
        using var tuning = new TuningFolder();
        var op = new Kernels.LayerNorm();
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

    /// <summary>What a network's convolutions run as: alone with their batch norm, or two and three in a row.</summary>
    public static TheoryData<string> FusedConvolutions() =>
        ["ConvBatchNormReLU training 3x3 (1,6,5,16)->8", .. OperatorCases.All.Where(item => item.Op is ConvBatchNormChain { First.Training: true }).Select(item => item.Name).Take(1)];

    [Theory]
    [MemberData(nameof(FusedConvolutions))]
    public void A_stored_choice_launches_other_kernels_of_fused_convolutions_in_both_passes(string name)
    {
        Device device = CudaDeviceFixture.Require();
        CudaDeviceFixture.ClearFindings();
        using var tuning = new TuningFolder();
        OperatorCase item = OperatorCases.All.Single(item => item.Name == name);
        string[] usual = Launched();
        Assert.Contains(usual, kernel => kernel.StartsWith("conv2d_forward", StringComparison.Ordinal));
        Assert.DoesNotContain(usual, IsLarge);
        Store(new KernelChoice("large_tiles"));
        string[] large = Launched();
        Assert.Contains(large, kernel => IsLarge(kernel) && kernel.StartsWith("conv2d_forward", StringComparison.Ordinal));
        Assert.Equal(usual.Length, large.Length);
        Store(new KernelChoice("any"));
        string[] any = Launched();
        Assert.All(any.Where(kernel => kernel.StartsWith("conv2d_", StringComparison.Ordinal) && !kernel.EndsWith("_total", StringComparison.Ordinal)),
            kernel => Assert.EndsWith("_any_bf16", kernel));
        Assert.Contains("conv2d_forward_any_bf16", any);
        Assert.Contains("conv2d_backward_weight_any_bf16", any);
        CudaDeviceFixture.AssertNoFindings();

        static bool IsLarge(string kernel) => kernel.Contains("_large_", StringComparison.Ordinal);

        void Store(KernelChoice choice) =>
            KernelChoices.Store(device, item.Op, [.. item.CreateInputs(DType.BFloat16, device).Select(input => input?.Value)], choice);

        string[] Launched()
        {
            using var launches = new LaunchTrace();
            item.RunWithGradients(Precision.Bf16, device);
            return [.. launches.Entries.Select(launch => launch.Kernel)];
        }
    }

    [Fact]
    public void A_residual_block_trains_with_the_choice_that_is_stored_for_its_convolutions()
    {
        Device device = CudaDeviceFixture.Require();
        using var tuning = new TuningFolder();
        var block = new BasicBlock(16, 16, stride: 1, DType.Float32);
        block.Allocate();
        block.To(device);
        var images = new Variable(OperatorCase.CreateCotangent([1, 6, 6, 16], DType.Float32).To(device));
        Assert.Contains("conv2d_forward_float32", Launched());
        OperatorTrace.Entry call;
        using (var trace = new OperatorTrace())
        {
            block.Forward(images);
            call = Assert.Single(trace.Entries);
        }
        KernelChoices.Store(device, call.Operator, [.. call.Inputs.Select(shape => shape is { } given ? Tensor.Zeros(given, DType.Float32, device) : null)], new KernelChoice("any"));
        string[] chosen = Launched();
        Assert.Contains("conv2d_forward_any_float32", chosen);
        Assert.DoesNotContain("conv2d_forward_float32", chosen);

        string[] Launched()
        {
            using var launches = new LaunchTrace();
            Variable output = block.Forward(images);
            output.Backward(OperatorCase.CreateCotangent(output.Shape, DType.Float32).To(device));
            return [.. launches.Entries.Select(launch => launch.Kernel)];
        }
    }
}
