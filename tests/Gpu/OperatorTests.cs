using CsUnet.Autograd;
using CsUnet.Kernels;
using CsUnet.Kernels.Cuda;
using CsUnet.Tensors;
using CsUnet.Verification;

namespace CsUnet.Tests.Gpu;

/// <summary>The operators' CUDA kernels, on a GPU or on the emulator, against the double-precision reference on the CPU.</summary>
public sealed class OperatorTests
{
    /// <summary>Every case of every operator, except conversions to float64, which no kernel supports; see CastTests.</summary>
    public static TheoryData<string> Cases() => [.. OperatorCases.All.Where(item => item.Op is not Cast).Select(item => item.Name)];

    private static OperatorCase Named(string name) => OperatorCases.All.Single(item => item.Name == name);

    [Theory]
    [MemberData(nameof(Cases))]
    public void Kernels_agree_with_double(string name)
    {
        Device device = CudaDeviceFixture.Require();
        OperatorCase item = Named(name);
        CudaDeviceFixture.ClearFindings();
        IReadOnlyList<(string Name, Tensor Value)> expected = item.RunWithGradients(DType.Float64);
        IReadOnlyList<(string Name, Tensor Value)> got = item.RunWithGradients(DType.Float32, device);
        Assert.Equal(expected.Select(result => result.Name), got.Select(result => result.Name));
        foreach (((string tensor, Tensor reference), (_, Tensor value)) in expected.Zip(got))
        {
            Comparison comparison = Comparison.Of(tensor, value.To(Device.Cpu), reference, Tolerances.Float32(item.Exactness));
            Assert.True(comparison.IsWithin, comparison.ToString());
        }
        CudaDeviceFixture.AssertNoFindings();
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Repeated_runs_give_the_same_bits(string name)
    {
        Device device = CudaDeviceFixture.Require();
        OperatorCase item = Named(name);
        IReadOnlyList<byte[]>? first = null;
        for (int run = 0; run < 3; run++)
        {
            IReadOnlyList<byte[]> bits =
                [.. item.RunWithGradients(DType.Float32, device).Select(result => CudaDeviceFixture.Bits(result.Value))];
            first ??= bits;
            Assert.Equal(first, bits);
        }
    }

    private sealed record Identity : Operator
    {
        protected override void CpuForward(OperatorCall call) => call.Output.CopyFrom(call[0]);

        protected override void CpuBackward(OperatorCall call, Tensor dOutput, GradientSink gradients) => gradients.Pass(0, dOutput);
    }

    [Fact]
    public void An_operator_without_kernels_says_so()
    {
        Device device = CudaDeviceFixture.Require();
        Tensor input = Tensor.Zeros([1, 4]).To(device);
        Assert.Contains("Identity has no CUDA kernel; move its inputs to the CPU", Assert.Throws<NotSupportedException>(
            () => OperatorCall.Run(new Identity(), input)).Message);
    }

    [Fact]
    public void Argmax_is_the_processors()
    {
        Device device = CudaDeviceFixture.Require();
        foreach (int classes in new[] { 2, 3, 9, 40 })
        {
            Tensor logits = OperatorCase.CreateCotangent([3, 5, 7, classes], DType.Float32);
            Assert.Equal(Argmax.Run(logits).AsSpan<byte>(), Argmax.Run(logits.To(device)).To(Device.Cpu).AsSpan<byte>());
            Tensor rounded = logits.To(DType.BFloat16);
            Assert.Equal(
                Argmax.Run(rounded.To(DType.Float32)).AsSpan<byte>(), Argmax.Run(rounded.To(device)).To(Device.Cpu).AsSpan<byte>());
            Assert.Contains("float32 or float64 on the CPU", Assert.Throws<ShapeException>(() => Argmax.Run(rounded)).Message);
        }
    }

    [Fact]
    public void A_label_of_no_class_is_refused()
    {
        Device device = CudaDeviceFixture.Require();
        Tensor logits = Tensor.Zeros([4, 3]).To(device), labels = Tensor.From<byte>([0, 2, 7, 1], [4]).To(device);
        foreach (Operator loss in new[] { new CrossEntropyDice(), new CrossEntropyDice(1, 0), new CrossEntropyDice(0, 1) })
        {
            // The launch succeeds, so that nothing has to wait for it. The loss is NaN, and the counter says why.
            Assert.True(double.IsNaN(OperatorCall.Run(loss, logits, labels).To(Device.Cpu)[0]), loss.Name);
            Assert.Equal($"{loss.Name}: 1 label is no class, expected from 0 to 2",
                Assert.Throws<ShapeException>(() => InvalidLabels.ThrowIfAny(device)).Message);
            InvalidLabels.ThrowIfAny(device);
        }
        Assert.Equal(Math.Log(3), OperatorCall.Run(new CrossEntropyDice(1, 0, IgnoreIndex: 7), logits, labels).To(Device.Cpu)[0], 1e-6);
        InvalidLabels.ThrowIfAny(device);
    }

    [Fact]
    public void The_gradient_of_a_loss_with_a_label_of_no_class_is_not_a_number()
    {
        Device device = CudaDeviceFixture.Require();
        Tensor labels = Tensor.From<byte>([0, 2, 7, 1], [4]).To(device);
        foreach (Operator loss in new[] { new CrossEntropyDice(), new CrossEntropyDice(1, 0), new CrossEntropyDice(0, 1) })
        {
            var logits = new Variable(Tensor.Zeros([4, 3]).To(device), requiresGradient: true);
            Variable.Apply(loss, logits, new Variable(labels)).Backward(Tensor.Full([], 1).To(device));
            Tensor gradient = logits.Gradient!.To(Device.Cpu);
            foreach (int row in new[] { 0, 1, 3 })
                Assert.True(double.IsNaN(gradient[3 * row]), $"{loss}: row {row}");
        }
        Assert.Throws<ShapeException>(() => InvalidLabels.ThrowIfAny(device));
    }

    [Fact]
    public void Losses_want_float32_logits()
    {
        Device device = CudaDeviceFixture.Require();
        Tensor logits = Tensor.Empty([4, 3], DType.BFloat16, device), labels = Tensor.Zeros([4], DType.UInt8).To(device);
        foreach (Operator loss in new[] { new CrossEntropyDice(), new CrossEntropyDice(1, 0), new CrossEntropyDice(0, 1) })
            Assert.Contains("cast the logits first", Assert.Throws<ShapeException>(() => OperatorCall.Run(loss, logits, labels)).Message);
    }

    [Fact]
    public void Inputs_on_two_devices_are_refused()
    {
        Device device = CudaDeviceFixture.Require();
        Tensor input = Tensor.Zeros([2, 8]), weight = Tensor.Zeros([8]);
        Assert.Contains("LayerNorm: input 1 is on cpu, expected cuda:0", Assert.Throws<ShapeException>(
            () => OperatorCall.Run(new LayerNorm(), input.To(device), weight, weight)).Message);
    }

    [Fact]
    public void Every_embedded_source_compiles_and_exports_kernels()
    {
        Device device = CudaDeviceFixture.Require();
        Assert.NotEmpty(KernelLibrary.Files);
        foreach (string file in KernelLibrary.Files)
        {
            IReadOnlyDictionary<string, string> exports = KernelLibrary.Exports(KernelLibrary.Source(file).Text);
            Assert.NotEmpty(exports);
            foreach (string kernel in exports.Keys)
                Assert.True(KernelLibrary.Find(device, file, kernel).MaxThreadsPerBlock > 0, $"{file}: {kernel}");
        }
    }
}
