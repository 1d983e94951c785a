using CsUnet.Autograd;
using CsUnet.Kernels;
using CsUnet.Tensors;
using CsUnet.Verification;

namespace CsUnet.Tests.Gpu;

/// <summary>Conversions on a CUDA device equal those of the CPU, bit for bit.</summary>
public sealed class CastTests
{
    private static readonly Shape s_shape = [3, 5, 7];

    [Fact]
    public void To_bfloat16_and_its_gradient()
    {
        Device device = CudaDeviceFixture.Require();
        CudaDeviceFixture.ClearFindings();
        Tensor values = OperatorCase.CreateCotangent(s_shape, DType.Float32),
            gradient = OperatorCase.CreateCotangent(s_shape, DType.BFloat16);
        values[4] = double.NaN;
        values[9] = double.NegativeInfinity;
        var input = new Variable(values.To(device), requiresGradient: true);
        Variable output = Variable.Apply(new Cast(DType.BFloat16), input).Keep();
        output.Backward(gradient.To(device));
        Tensor rounded = output.Value.To(Device.Cpu), expected = values.To(DType.BFloat16);
        for (int i = 0; i < rounded.Count; i++)
            Assert.Equal(expected[i], rounded[i]);
        Assert.Equal(CudaDeviceFixture.Bits(gradient.To(DType.Float32)), CudaDeviceFixture.Bits(input.Gradient!));
        CudaDeviceFixture.AssertNoFindings();
    }

    [Fact]
    public void To_float32_and_its_gradient()
    {
        Device device = CudaDeviceFixture.Require();
        CudaDeviceFixture.ClearFindings();
        Tensor values = OperatorCase.CreateCotangent(s_shape, DType.BFloat16),
            gradient = OperatorCase.CreateCotangent(s_shape, DType.Float32);
        var input = new Variable(values.To(device), requiresGradient: true);
        Variable output = Variable.Apply(new Cast(DType.Float32), input).Keep();
        output.Backward(gradient.To(device));
        Assert.Equal(CudaDeviceFixture.Bits(values.To(DType.Float32)), CudaDeviceFixture.Bits(output.Value));
        Assert.Equal(CudaDeviceFixture.Bits(gradient.To(DType.BFloat16)), CudaDeviceFixture.Bits(input.Gradient!));
        CudaDeviceFixture.AssertNoFindings();
    }

    [Fact]
    public void An_input_of_the_type_is_passed_on()
    {
        Device device = CudaDeviceFixture.Require();
        Tensor values = Tensor.Zeros(s_shape).To(device);
        Assert.Same(values, OperatorCall.Run(new Cast(DType.Float32), values));
    }

    [Theory]
    [InlineData(DType.Float32)]
    [InlineData(DType.BFloat16)]
    public void A_fill_sets_every_element(DType type)
    {
        Device device = CudaDeviceFixture.Require();
        Tensor filled = Tensor.Full([3, 5], 1.0 / 3, type, device).To(Device.Cpu), expected = Tensor.Full([3, 5], 1.0 / 3, type);
        Assert.Equal(CudaDeviceFixture.Bits(expected), CudaDeviceFixture.Bits(filled));
    }

    [Fact]
    public void Types_that_a_device_does_not_convert_are_refused()
    {
        Device device = CudaDeviceFixture.Require();
        Assert.Contains("Cast: type is float64, expected float32 or bfloat16", Assert.Throws<ShapeException>(
            () => OperatorCall.Run(new Cast(DType.Float64), Tensor.Zeros([2]).To(device))).Message);
        Assert.Contains("Cast: type is bfloat16, expected float32 or float64", Assert.Throws<ShapeException>(
            () => OperatorCall.Run(new Cast(DType.BFloat16), Tensor.Zeros([2]))).Message);
        Assert.Contains("apply the operator Cast", Assert.Throws<NotSupportedException>(
            () => Tensor.Zeros([2]).To(device).To(DType.BFloat16)).Message);
        Assert.Contains("bfloat16 is supported on CUDA only", Assert.Throws<NotSupportedException>(
            () => OperatorCall.Run(new Activation(ActivationKind.ReLU), Tensor.Zeros([2], DType.BFloat16))).Message);
    }
}
