using CsUnet.Autograd;
using CsUnet.Kernels;
using CsUnet.Tensors;

namespace CsUnet.Tests.Gpu;

public sealed class ActivationTests
{
    [Fact]
    public void Where_pieces_meet_and_far_out_the_kernels_do_what_the_processor_does()
    {
        Device device = CudaDeviceFixture.Require();
        Tensor input = Tensor.From<float>([-1000, -3, -0.0f, 0, 3, 6, 1000, float.NaN, 5.5f], [9]), ones = Tensor.Full([9], 1);
        foreach (ActivationKind kind in Enum.GetValues<ActivationKind>())
        {
            var op = new Activation(kind);
            (Tensor output, Tensor gradient) = Run(op, input, ones);
            (Tensor got, Tensor gotGradient) = Run(op, input.To(device), ones.To(device));
            for (int i = 0; i < input.Count; i++)
            {
                AssertClose(output[i], got.To(Device.Cpu)[i], $"{kind} of {input[i]}");
                AssertClose(gradient[i], gotGradient.To(Device.Cpu)[i], $"derivative of {kind} at {input[i]}");
            }
        }

        static void AssertClose(double expected, double got, string what) => Assert.True(
            double.IsNaN(expected) ? double.IsNaN(got) : Math.Abs(got - expected) <= 1e-6 * Math.Max(1, Math.Abs(expected)),
            $"{what} is {got}, expected {expected}");
    }

    private static (Tensor Output, Tensor Gradient) Run(Operator op, Tensor input, Tensor dOutput)
    {
        var x = new Variable(input, requiresGradient: true);
        Variable y = Variable.Apply(op, x).Keep();
        y.Backward(dOutput);
        return (y.Value, x.Gradient!);
    }
}
