using CsUnet.Kernels;
using CsUnet.Kernels.Cuda;
using CsUnet.Tensors;
using CsUnet.Verification;

namespace CsUnet.Tests.Gpu;

/// <summary>Update rules, gradient norm and finiteness check over many tensors at once, compared with the CPU.</summary>
public sealed class OptimizerTests
{
    // Smaller and larger than a chunk of 16384 elements, and not multiples of four.
    private static readonly Shape[] s_shapes = [[1], [3, 5], [16384], [2, 16390], [7, 9, 11]];

    private static Tensor[] Random(int seed) =>
        [.. s_shapes.Select((shape, i) => Formula.Input($"{seed}.{i}", shape, DType.Float32))];

    private static Tensor[] Squares(int seed)
    {
        Tensor[] tensors = Random(seed);
        foreach (Tensor tensor in tensors)
            for (long i = 0; i < tensor.Count; i++)
                tensor[i] *= tensor[i];
        return tensors;
    }

    private static Tensor[] To(Tensor[] tensors, Device device) => [.. tensors.Select(tensor => tensor.Clone().To(device))];

    private static void AssertClose(Tensor[] expected, Tensor[] got)
    {
        foreach ((Tensor reference, Tensor value) in expected.Zip(got))
        {
            Comparison comparison = Comparison.Of("tensor", value.To(Device.Cpu), reference.To(DType.Float64),
                Tolerances.Float32(Exactness.Elementwise));
            Assert.True(comparison.IsWithin, comparison.ToString());
        }
    }

    [Theory]
    [InlineData(1, null)]
    [InlineData(100, 0.25)]
    public void AdamW_of_many_tensors_is_the_processors(int step, double? factor)
    {
        Device device = CudaDeviceFixture.Require();
        CudaDeviceFixture.ClearFindings();
        var rule = new AdamW(1e-2, WeightDecay: 0.1);
        Tensor[] p = Random(1), g = Random(2), m = Random(3), v = Squares(4);
        Tensor[] dp = To(p, device), dg = To(g, device), dm = To(m, device), dv = To(v, device);
        rule.Launch(new TensorTable([.. dp.Select((value, i) => new UpdatedParameter(value, dg[i], dm[i], dv[i]))]),
            OnDevice(device, rule.Settings(step)), factor is { } number ? OnDevice(device, (float)number) : null);
        for (int i = 0; i < p.Length; i++)
        {
            if (factor is { } scale)
                GradientNorm.Scale(g[i], scale);
            rule.Update(new(p[i], g[i], m[i], v[i]), step);
        }
        AssertClose(p, dp);
        AssertClose(m, dm);
        AssertClose(v, dv);
        CudaDeviceFixture.AssertNoFindings();
    }

    [Theory]
    [InlineData(0.9)]
    [InlineData(0)]
    public void Sgd_of_many_tensors_is_the_processors(double momentum)
    {
        Device device = CudaDeviceFixture.Require();
        CudaDeviceFixture.ClearFindings();
        var rule = new Sgd(1e-2, momentum, 0.1);
        Tensor[] p = Random(1), g = Random(2);
        Tensor[] u = momentum == 0 ? [] : Random(3);
        Tensor[] dp = To(p, device), dg = To(g, device);
        Tensor[] du = To(u, device);
        new ParameterUpdates().Run(rule, Updated(dp, dg, du), 1);
        new ParameterUpdates().Run(rule, Updated(p, g, u), 1);
        AssertClose(p, dp);
        AssertClose(u, du);
        CudaDeviceFixture.AssertNoFindings();
    }

    [Fact]
    public void A_single_tensor_is_updated_as_in_a_table()
    {
        Device device = CudaDeviceFixture.Require();
        Tensor[] p = Random(1), g = Random(2), m = Random(3), v = Squares(4);
        Tensor single = p[3].Clone().To(device), sgd = p[3].Clone().To(device);
        new AdamW(1e-2).Update(new(single, g[3].To(device), m[3].Clone().To(device), v[3].Clone().To(device)), 7);
        new Sgd(1e-2, 0.5).Update(new(sgd, g[3].To(device), m[3].Clone().To(device)), 1);
        Tensor expected = p[3].Clone();
        new AdamW(1e-2).Update(new(expected, g[3], m[3].Clone(), v[3]), 7);
        AssertClose([expected], [single]);
        new Sgd(1e-2, 0.5).Update(new(p[3], g[3], m[3]), 1);
        AssertClose([p[3]], [sgd]);
    }

    [Fact]
    public void An_update_follows_tensors_that_are_replaced()
    {
        Device device = CudaDeviceFixture.Require();
        var rule = new Sgd(1e-2, 0.5);
        var updates = new ParameterUpdates();
        Tensor[] p = Random(1), u = Random(3), dp = To(p, device), du = To(u, device);
        for (int step = 1; step <= 3; step++)
        {
            Tensor[] g = Random(10 + step), dg = To(g, device);
            updates.Run(rule, Updated(dp, dg, du), step);
            new ParameterUpdates().Run(rule, Updated(p, g, u), step);
            if (step == 1)
                dp = To(p, device);
        }
        AssertClose(p, dp);
        AssertClose(u, du);
    }

    [Fact]
    public void Norm_and_clipping_are_the_processors()
    {
        Device device = CudaDeviceFixture.Require();
        CudaDeviceFixture.ClearFindings();
        Tensor[] g = Random(2), dg = To(g, device);
        double norm = GradientNorm.Of(g);
        Assert.Equal(norm, GradientNorm.Of(dg), norm * 1e-6);
        GradientNorm.Clip(dg, norm / 4);
        GradientNorm.Clip(g, norm / 4);
        AssertClose(g, dg);
        GradientNorm.Clip(dg, 2 * norm);
        AssertClose(g, dg);
        CudaDeviceFixture.AssertNoFindings();
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    [InlineData(float.NegativeInfinity)]
    public void The_first_tensor_that_is_not_finite_is_found(float bad)
    {
        Device device = CudaDeviceFixture.Require();
        Tensor[] tensors = Random(2);
        Assert.Equal(-1, GradientNorm.FirstNotFinite(To(tensors, device)));
        Assert.True(GradientNorm.IsFinite(tensors[3].To(device)));
        tensors[3][tensors[3].Count - 1] = bad;
        tensors[4][0] = bad;
        Assert.Equal(3, GradientNorm.FirstNotFinite(To(tensors, device)));
        Assert.False(GradientNorm.IsFinite(tensors[3].To(device)));
        Assert.False(double.IsFinite(GradientNorm.Of(To(tensors, device))));
        // If the list also contains tensors on the CPU, its order counts.
        Tensor[] mixed = [tensors[0], tensors[3].To(device), tensors[4]];
        Assert.Equal(1, GradientNorm.FirstNotFinite(mixed));
        Assert.Equal(0, GradientNorm.FirstNotFinite([tensors[4], tensors[3].To(device)]));
    }

    [Fact]
    public void A_table_refuses_what_its_kernels_cannot_take()
    {
        Device device = CudaDeviceFixture.Require();
        Tensor a = Tensor.Zeros([4], DType.Float32, device), b = Tensor.Zeros([5], DType.Float32, device);
        Assert.Contains("at least one", Assert.Throws<ShapeException>(() => new TensorTable(Array.Empty<Tensor>())).Message);
        Assert.Contains("on cpu", Assert.Throws<ShapeException>(() => new TensorTable([a, Tensor.Zeros([4])])).Message);
        Assert.Contains("like its gradient", Assert.Throws<ShapeException>(() => new TensorTable([new UpdatedParameter(b, a)])).Message);
        Assert.Contains("AdamW: mean",
            Assert.Throws<ShapeException>(() => new AdamW(1).Update(new(a, a, Tensor.Zeros([4]), a), 1)).Message);
    }

    [Fact]
    public void Confusion_counts_are_the_processors()
    {
        Device device = CudaDeviceFixture.Require();
        CudaDeviceFixture.ClearFindings();
        foreach (int classes in new[] { 2, 3, 64, 70 })
        {
            var truth = new byte[5000];
            var prediction = new byte[truth.Length];
            for (int i = 0; i < truth.Length; i++)
                (truth[i], prediction[i]) = (i % 97 == 0 ? (byte)255 : i % 1001 == 1 ? (byte)(classes + 1) : (byte)(i * 7 % classes),
                    (byte)(i * 3 % classes));
            Tensor t = Tensor.From<byte>(truth, [5000]), p = Tensor.From<byte>(prediction, [50, 100]),
                counts = Tensor.Full([classes * classes + 1], 2, DType.Int64);
            Tensor onDevice = counts.Clone().To(device);
            Confusion.Add(t, p, counts, 255);
            Confusion.Add(t.To(device), p.To(device), onDevice, 255);
            Assert.Equal(counts.AsSpan<long>(), onDevice.To(Device.Cpu).AsSpan<long>());
            Assert.Equal(2 + truth.Count(label => label == classes + 1), counts[classes * classes]);
        }
        Assert.Throws<ShapeException>(() =>
            Confusion.Add(Tensor.Zeros([4], DType.UInt8), Tensor.Zeros([5], DType.UInt8), Tensor.Zeros([5], DType.Int64), 255));
        Assert.Throws<ShapeException>(() =>
            Confusion.Add(Tensor.Zeros([4], DType.UInt8), Tensor.Zeros([4], DType.UInt8), Tensor.Zeros([4], DType.Int64), 255));
        CudaDeviceFixture.AssertNoFindings();
    }

    /// <summary>Parameters with gradients, and with velocities unless there are none.</summary>
    private static UpdatedParameter[] Updated(Tensor[] values, Tensor[] gradients, Tensor[] velocities) =>
        [.. values.Select((value, i) => new UpdatedParameter(value, gradients[i], velocities.Length == 0 ? [] : [velocities[i]]))];

    private static Tensor OnDevice(Device device, params float[] values) => Tensor.From(values, [values.Length]).To(device);
}
