using CsUnet.Kernels;
using CsUnet.Kernels.Cuda;
using CsUnet.Tensors;
using CsUnet.Verification;

namespace CsUnet.Tests.Gpu;

/// <summary>Paths of the convolution launches that the operator cases do not use.</summary>
public sealed class ConvolutionTests
{
    /// <summary>Evaluation of fused convolutions without gradients: batch norm is folded into the weights.</summary>
    public static TheoryData<string, Precision> Evaluations()
    {
        var cases = new TheoryData<string, Precision>();
        foreach (OperatorCase item in OperatorCases.All.Where(item => item.Op is ConvBatchNormReLU { Training: false }))
            foreach (Precision precision in Enum.GetValues<Precision>())
                cases.Add(item.Name, precision);
        return cases;
    }

    [Theory]
    [MemberData(nameof(Evaluations))]
    public void Folded_evaluation_agrees_with_double(string name, Precision precision)
    {
        OperatorCase recorded = OperatorCases.All.Single(item => item.Name == name);
        foreach (bool relu in new[] { true, false })
            AssertAgrees(recorded with
            {
                Op = (ConvBatchNormReLU)recorded.Op with { ReLU = relu },
                Inputs = [.. recorded.Inputs.Select(input => input is null ? null : input with { NeedsGradient = false })],
            }, precision);
    }

    /// <summary>Enough pixels for tiles of 128 on the emulated device, whose 8 multiprocessors run 16 of them at once.</summary>
    [Theory]
    [InlineData(Precision.Fp32)]
    [InlineData(Precision.Tf32)]
    [InlineData(Precision.Bf16)]
    public void Large_tiles_agree_with_double(Precision precision)
    {
        OperatorCase item = OperatorCases.All.First(item =>
            item.Op is ConvBatchNormReLU { Training: true, ReLU: true } && item.Inputs[6] is null);
        Shape[] shapes = [[2, 36, 32, 8], [16, 3, 3, 8], [16], [16], [16], [16]];
        AssertAgrees(item with
        {
            // Among so many elements, some are near the kink of a ReLU, where rounding decides.
            Op = new ConvBatchNormReLU(1, 1, ReLU: false),
            Inputs = [.. item.Inputs.Select((input, index) => input is null ? null : input with { Shape = shapes[index] })],
        }, precision);
    }

    /// <summary>
    /// Images are packed, and layers with few filters have their own kernels. The variant "any", chosen by name, supports both with the
    /// same result.
    /// </summary>
    [Theory]
    [InlineData("7x7 stride 2 (2,9,7,3)->8", "conv2d_few_channels_pack_float32,conv2d_few_channels_pack_float32,conv2d_forward_float32")]
    [InlineData("1x1 (2,5,7,16)->3", "conv2d_few_filters_forward_float32")]
    public void Few_channels_and_few_filters_leave_any(string label, string kernels)
    {
        Device device = CudaDeviceFixture.Require();
        OperatorCase item = OperatorCases.All.Single(item => item.Op is Conv2d && item.Label == label);
        Tensor?[] inputs = [.. item.CreateInputs(DType.Float32, device).Select(input => input?.Value)];
        (Tensor output, string launched) = Run();
        Assert.Equal(kernels, launched);
        using (KernelChoices.Force(new KernelChoice("any")))
        {
            (Tensor any, launched) = Run();
            Assert.Equal("conv2d_forward_any_float32", launched);
            Comparison comparison = Comparison.Of(label, output.To(Device.Cpu), any.To(Device.Cpu), Tolerances.Float32(item.Exactness));
            Assert.True(comparison.IsWithin, comparison.ToString());
        }

        (Tensor Output, string Kernels) Run()
        {
            using var launches = new LaunchTrace();
            Tensor result = OperatorCall.Run(item.Op, inputs);
            return (result, string.Join(',', launches.Entries.Select(entry => entry.Kernel)));
        }
    }

    /// <summary>A variant chosen by name gives the usual gradients.</summary>
    [Theory]
    [InlineData("any")]
    [InlineData("small_tiles")]
    public void Variants_agree_with_double(string variant)
    {
        using KernelChoices.Forced forced = KernelChoices.Force(new KernelChoice(variant));
        foreach (OperatorCase item in OperatorCases.All.Where(item => item.Op is Conv2d))
            foreach (Precision precision in Enum.GetValues<Precision>())
                AssertAgrees(item, precision);
    }

    private static void AssertAgrees(OperatorCase item, Precision precision)
    {
        if (precision != Precision.Fp32)
        {
            PrecisionTests.AssertAsExactAsAllowed(item, precision);
            return;
        }
        Device device = CudaDeviceFixture.Require();
        CudaDeviceFixture.ClearFindings();
        IReadOnlyList<(string Name, Tensor Value)> expected = item.RunWithGradients(DType.Float64);
        IReadOnlyList<(string Name, Tensor Value)> got = item.RunWithGradients(DType.Float32, device);
        foreach (((string tensor, Tensor reference), (_, Tensor value)) in expected.Zip(got))
        {
            Comparison comparison = Comparison.Of(tensor, value.To(Device.Cpu), reference, Tolerances.Float32(item.Exactness));
            Assert.True(comparison.IsWithin, comparison.ToString());
        }
        CudaDeviceFixture.AssertNoFindings();
    }
}
