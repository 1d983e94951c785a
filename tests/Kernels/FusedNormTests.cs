using CsUnet.Autograd;
using CsUnet.Kernels;
using CsUnet.Tensors;
using CsUnet.Tests.Support;

namespace CsUnet.Tests.Kernels;

/// <summary>Layer norm fused with the operator before it equals the two operators in sequence, on the CPU bit for bit.</summary>
public sealed class FusedNormTests
{
    private static Variable Leaf(Shape shape, DType type, uint seed) =>
        new(Numbers.Random(shape, DType.Float64, seed).To(type), requiresGradient: true);

    private static void AssertSame(
        Func<Variable[], Variable> fused, Func<Variable[], Variable> composed, Func<Variable[]> create, string what)
    {
        Variable[] a = create(), b = create();
        Variable got = fused(a).Keep(), expected = composed(b).Keep();
        Numbers.AssertSameBits(expected.Value, got.Value, $"{what}: output");
        // Twice, so that gradients are also accumulated.
        foreach (int pass in new[] { 0, 1 })
        {
            Tensor gradient = Numbers.Random(expected.Shape, DType.Float64, 7).To(expected.Value.DType);
            (pass == 0 ? got : fused(a)).Backward(gradient);
            (pass == 0 ? expected : composed(b)).Backward(gradient.Clone());
            for (int i = 0; i < a.Length; i++)
                Numbers.AssertSameBits(b[i].Gradient!, a[i].Gradient!, $"{what}: gradient {i} after pass {pass}");
        }
    }

    [Theory]
    [InlineData(DType.Float32)]
    [InlineData(DType.Float64)]
    public void Patch_merging(DType type)
    {
        foreach (int channels in new[] { 3, 24 })
            AssertSame(
                x => Variable.Apply(new PatchMergeNorm(), x),
                x => Variable.Apply(new LayerNorm(), Variable.Apply(new PatchMerge(), x[0]), x[1], x[2]),
                () => [Leaf([2, 14, 22, channels], type, 1), Leaf([4 * channels], type, 2), Leaf([4 * channels], type, 3)],
                $"{channels} channels");
    }

    [Theory]
    [InlineData(DType.Float32)]
    [InlineData(DType.Float64)]
    public void Patch_expanding(DType type)
    {
        foreach (int scale in new[] { 2, 4 })
            AssertSame(
                x => Variable.Apply(new PixelShuffleNorm(scale), x),
                x => Variable.Apply(new LayerNorm(), Variable.Apply(new PixelShuffle(scale), x[0]), x[1], x[2]),
                () => [Leaf([2, 7, 5, scale * scale * 13], type, 1), Leaf([13], type, 2), Leaf([13], type, 3)], $"scale {scale}");
    }

    [Fact]
    public void Names_the_wrong_argument()
    {
        Tensor weight = Tensor.Zeros([12]);
        Assert.Equal("PatchMergeNorm: weight is (12), expected (20) = 4 times the last dimension of input (1,2,4,5)",
            Assert.Throws<ShapeException>(() =>
                OperatorCall.Run(new PatchMergeNorm(), Tensor.Zeros([1, 2, 4, 5]), weight, weight)).Message);
        Assert.Equal("PatchMergeNorm: input is float32 (1,3,4,3), expected a floating-point tensor (B, H, W, C) with H and W even",
            Assert.Throws<ShapeException>(() =>
                OperatorCall.Run(new PatchMergeNorm(), Tensor.Zeros([1, 3, 4, 3]), weight, weight)).Message);
        Assert.Equal("PixelShuffleNorm: bias is (5), expected (12) = the last dimension of input (1,2,3,48) over 4",
            Assert.Throws<ShapeException>(
                () => OperatorCall.Run(new PixelShuffleNorm(2), Tensor.Zeros([1, 2, 3, 48]), weight, Tensor.Zeros([5]))).Message);
    }
}
