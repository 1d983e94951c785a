using CsUnet.Autograd;
using CsUnet.Cuda;
using CsUnet.Kernels;
using CsUnet.Kernels.Custom;
using CsUnet.Tensors;
using CsUnet.Tests.Support;

namespace CsUnet.Tests.Gpu;

/// <summary>Custom operators from outside the engine, with their own CUDA sources.</summary>
public sealed class CustomOperatorTests
{
    /// <summary>a + factor * b, with the CUDA source as text. Inputs: a, b.</summary>
    private sealed record AddScaled(float Factor) : Operator
    {
        private static readonly CudaSource s_source = CudaSource.FromText("add_scaled.cu", """
            #include "common.cuh"

            __global__ void add_scaled(const float* a, const float* b, float* output, float factor, long long count) {
                for_each_pack(count, false, [&](long long i, int V) {
                    store1(output + i, load1(a + i) + factor * load1(b + i));
                });
            }

            __global__ void scale(const float* dOutput, float* dInput, float factor, long long count, int accumulate) {
                for_each_pack(count, false, [&](long long i, int V) {
                    store1(dInput + i, (accumulate ? load1(dInput + i) : 0.0f) + factor * load1(dOutput + i));
                });
            }

            EXPORT_KERNEL(add_scaled, (add_scaled));
            EXPORT_KERNEL(scale, (scale));
            """);

        public override Tensor Forward(OperatorCall call)
        {
            Tensor a = call[0], b = call[1], output = Tensor.EmptyLike(a);
            Require(b.Shape == a.Shape, "second input", b.Shape, $"{a.Shape} = shape of the first input");
            if (a.Device.Kind == DeviceKind.Cuda)
            {
                var launch = new CudaKernelLaunch(s_source, "add_scaled", a.Device);
                launch.Add(a, b, output);
                launch.Add(Factor);
                launch.Add(a.Count);
                launch.RunOver(a.Count);
                return output;
            }
            for (long i = 0; i < a.Count; i++)
                output[i] = a[i] + Factor * b[i];
            return output;
        }

        public override void Backward(OperatorCall call, Tensor dOutput, GradientSink gradients)
        {
            for (int input = 0; input < 2; input++)
                if (call.Needs(input))
                    Give(gradients.Target(input, out bool accumulate), dOutput, input == 0 ? 1 : Factor, accumulate);
        }

        private static void Give(Tensor dInput, Tensor dOutput, float factor, bool accumulate)
        {
            if (dInput.Device.Kind == DeviceKind.Cuda)
            {
                var launch = new CudaKernelLaunch(s_source, "scale", dInput.Device);
                launch.Add(dOutput, dInput);
                launch.Add(factor);
                launch.Add(dInput.Count);
                launch.Add(accumulate);
                launch.RunOver(dInput.Count);
                return;
            }
            for (long i = 0; i < dInput.Count; i++)
                dInput[i] = factor * dOutput[i] + (accumulate ? dInput[i] : 0);
        }
    }

    private static Tensor There(Shape shape, ulong seed) => Tensor.Normal(shape, seed, device: CudaDeviceFixture.Require());

    [Fact]
    public void An_elementwise_operator_passes_on_both_devices()
    {
        CudaDeviceFixture.ClearFindings();
        // Vectors of four and a remainder.
        GradientCheck.Require(new Swish(), There([5, 13], 3));
        CudaDeviceFixture.AssertNoFindings();
    }

    [Fact]
    public void A_wrong_expression_is_found_on_the_device_alone()
    {
        GradientCheckException failure = Assert.Throws<GradientCheckException>(
            () => GradientCheck.Require(new Swish(CudaFactor: 1.01), There([5, 13], 3)));
        Assert.Contains("gradient of input 0: ", failure.Message);
        Assert.Contains("on cuda:0, expected", failure.Message);
        Assert.DoesNotContain("output:", failure.Message);
    }

    [Fact]
    public void An_operator_with_a_source_of_its_own_passes_on_both_devices()
    {
        CudaDeviceFixture.ClearFindings();
        GradientCheck.Require(new AddScaled(-0.75f), There([3, 7], 1), There([3, 7], 2));
        CudaDeviceFixture.AssertNoFindings();
    }

    private sealed record NoSuchFunction(string Expression) : Elementwise
    {
        public override string CudaValue => "x";

        public override string CudaDerivative => Expression;

        public override T Value<T>(T x) => x;

        public override T Derivative<T>(T x) => T.One;
    }

    [Fact]
    public void An_error_names_the_line_of_the_source()
    {
        Device device = CudaDeviceFixture.Require();
        CudaSource source = CudaSource.FromText(
            "broken.cu", "#include \"common.cuh\"\n__global__ void f(float* x) { x[0] = y; }\nEXPORT_KERNEL(f, (f));\n");
        Assert.Matches(@"broken\.cu(:2|\(2\))", Assert.ThrowsAny<CudaException>(() => source.Compile(device)).Message);
        Assert.Matches(@"NoSuchFunction\.CudaDerivative(:2|\(2\))", Assert.ThrowsAny<CudaException>(
            () => Variable.Apply(new NoSuchFunction("1 +\nno_such(x)"), There([4], 1))).Message);
    }

    [Fact]
    public void A_source_is_read_from_a_file_and_kept_in_the_cache()
    {
        Device device = CudaDeviceFixture.Require();
        using var folder = new TemporaryFolder();
        // A unique text, so that the cache does not contain it yet.
        File.WriteAllText(folder.File("fill.cu"), $$"""
            #include "common.cuh"
            // {{Guid.NewGuid()}}
            __global__ void fill(float* x, int count, float value) {
                int i = blockIdx.x * blockDim.x + threadIdx.x;
                if (i < count) store1(x + i, value);
            }
            EXPORT_KERNEL(fill, (fill));
            """);
        CudaSource source = CudaSource.FromFile(folder.File("fill.cu"));
        Assert.Equal("fill.cu", source.Name);
        Tensor target = Tensor.Zeros([100], device: device);
        var launch = new CudaKernelLaunch(source, "fill", device);
        launch.Add(target);
        launch.Add(100);
        launch.Add(3.5f);
        launch.Run(new CsUnet.Cuda.BasicTypes.dim3(4), new CsUnet.Cuda.BasicTypes.dim3(32));
        Assert.All(target.ToArray<float>(), value => Assert.Equal(3.5f, value));
        Assert.NotEmpty(Directory.GetFiles(KernelCache.DefaultFolder, "fill-*.bin"));
    }

    [Theory]
    [InlineData(DType.UInt8)]
    [InlineData(DType.Int32)]
    [InlineData(DType.Int64)]
    public void Labels_may_be_of_any_integer_type(DType type)
    {
        Device device = CudaDeviceFixture.Require();
        Tensor logits = Tensor.Normal([3, 7, 5], 1, device: Device.Cpu);
        Tensor labels = Tensor.Integers([3, 7], below: 5, seed: 4, type, Device.Cpu);
        double expected = new Variable(logits).CrossEntropy(labels).Item();
        Assert.Equal(expected, new Variable(logits.To(device)).CrossEntropy(labels.To(device)).Item(), 1e-5);
        InvalidLabels.ThrowIfAny(device);
    }
}
