using CsUnet.Autograd;
using CsUnet.Kernels;
using CsUnet.Tensors;
using CsUnet.Tests.Support;
using Xunit;

namespace CsUnet.Tests.Kernels;

/// <summary>Layer norm fused with what stands before it gives what the two operators give one after the other, on the processor to the bit.</summary>
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
        // Twice, so that gradients are added to as well.
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
                () => [Leaf([2, 14, 22, channels], type, 1), Leaf([4 * channels], type, 2), Leaf([4 * channels], type, 3)], $"{channels} channels");
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
    public void Residual_add_hands_on_both_results()
    {
        Shape shape = [3, 5, 9];
        Variable[] Create() => [Leaf(shape, DType.Float64, 1), Leaf(shape, DType.Float64, 2), Leaf([9], DType.Float64, 3), Leaf([9], DType.Float64, 4)];
        Variable[] a = Create(), b = Create();
        // As in a block: the sum goes around what its norm goes through.
        Variable both = Variable.Apply(new AddLayerNorm(), a);
        Variable got = Variable.Apply(
            new Add(), Variable.Apply(new Slice(0), both), Variable.Apply(new Gelu(), Variable.Apply(new Slice(1), both))).Keep();
        Variable sum = Variable.Apply(new Add(), b[0], b[1]);
        Variable expected = Variable.Apply(new Add(), sum, Variable.Apply(new Gelu(), Variable.Apply(new LayerNorm(), sum, b[2], b[3]))).Keep();
        Numbers.AssertSameBits(expected.Value, got.Value, "output");
        Tensor gradient = Numbers.Random(shape, DType.Float64, 7);
        got.Backward(gradient);
        expected.Backward(gradient.Clone());
        for (int i = 0; i < a.Length; i++)
            Numbers.AssertClose(b[i].Gradient!, a[i].Gradient!, 1e-14, $"gradient {i}");
    }

    [Fact]
    public void Names_the_wrong_argument()
    {
        Tensor weight = Tensor.Zeros([12]);
        Assert.Equal("PatchMergeNorm: weight is (12), expected (20) = 4 times the last dimension of input (1,2,4,5)",
            Assert.Throws<ShapeException>(() => OperatorCall.Run(new PatchMergeNorm(), Tensor.Zeros([1, 2, 4, 5]), weight, weight)).Message);
        Assert.Equal("PatchMergeNorm: input is float32 (1,3,4,3), expected a floating-point tensor (B, H, W, C) with H and W even",
            Assert.Throws<ShapeException>(() => OperatorCall.Run(new PatchMergeNorm(), Tensor.Zeros([1, 3, 4, 3]), weight, weight)).Message);
        Assert.Equal("PixelShuffleNorm: bias is (5), expected (12) = the last dimension of input (1,2,3,48) over 4",
            Assert.Throws<ShapeException>(
                () => OperatorCall.Run(new PixelShuffleNorm(2), Tensor.Zeros([1, 2, 3, 48]), weight, Tensor.Zeros([5]))).Message);
        Assert.Equal("AddLayerNorm: branch is (2,11), expected (2,12) = shape of the input",
            Assert.Throws<ShapeException>(
                () => OperatorCall.Run(new AddLayerNorm(), Tensor.Zeros([2, 12]), Tensor.Zeros([2, 11]), weight, weight)).Message);
        Assert.Equal("Slice: index 2 is out of range for the first dimension of (2,12)",
            Assert.Throws<ShapeException>(() => OperatorCall.Run(new Slice(2), Tensor.Zeros([2, 12]))).Message);
    }
}
