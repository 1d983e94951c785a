using CsUnet.Autograd;
using CsUnet.Kernels.Custom;
using CsUnet.Tensors;
using CsUnet.Tests.Support;

namespace CsUnet.Tests.Autograd;

/// <summary>Custom operators from outside the engine, on the CPU; tests/Gpu tests their kernels.</summary>
public sealed class CustomOperatorTests
{
    [Fact]
    public void An_elementwise_operator_passes_the_gradient_check()
    {
        GradientCheck.Require(new Swish(), Tensor.Normal([2, 3], seed: 3));
        Variable x = Tensor.From([0.5f, -1], [2]);
        Tensor expected = Tensor.From([0.5f / (1 + MathF.Exp(-0.5f)), -1 / (1 + MathF.Exp(1))], [2]);
        Numbers.AssertClose(expected, Variable.Apply(new Swish(), x).Value, 1e-6, "swish");
    }

    [Fact]
    public void A_wrong_derivative_is_found_with_its_place()
    {
        GradientCheckException failure = Assert.Throws<GradientCheckException>(
            () => GradientCheck.Require(new Swish(DerivativeFactor: 1.5), Tensor.Normal([2, 3], seed: 3)));
        Assert.StartsWith("Swish: its gradients do not agree:\ninput 0 (2,3): Entries differs: ", failure.Message);
        Assert.Contains("expected", failure.Findings);
    }

    [Fact]
    public void A_source_that_exports_nothing_is_refused() => Assert.Contains("mine.cu: no kernel is exported",
        Assert.Throws<ArgumentException>(() => CudaSource.FromText("mine.cu", "__global__ void f() {}")).Message);

    [Fact]
    public void Sources_are_told_apart_by_their_text()
    {
        CudaSource a = CudaSource.FromText("mine.cu", "__global__ void f() {}\nEXPORT_KERNEL(f, (f));\n");
        CudaSource b = CudaSource.FromText("mine.cu", "__global__ void g() {}\nEXPORT_KERNEL(g, (g));\n");
        Assert.Equal(["f"], a.Kernels);
        Assert.Equal(["g"], b.Kernels);
        Assert.Contains("expected a CUDA device", Assert.Throws<ArgumentException>(
            () => new CudaKernelLaunch(a, "f", Device.Cpu).RunOver(1)).Message);
        Assert.Contains("mine.cu exports no kernel 'f'; it exports g",
            Assert.Throws<ArgumentException>(() => new CudaKernelLaunch(b, "f", Device.Cuda).RunOver(1)).Message);
    }
}
