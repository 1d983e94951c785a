using CsUnet.Autograd;
using CsUnet.Models.Networks;
using CsUnet.Tensors;

namespace CsUnet.Tests.Support;

/// <summary>Logits that are a fixed function of the pixel, so they must not depend on the tiles that contain it.</summary>
internal sealed class PixelModel(int height, int width)
    : SegmentationModel(new PixelModel.Architecture { Height = height, Width = width }, DType.Float32)
{
    public List<int> Batches { get; } = [];

    protected override Variable Logits(Variable images)
    {
        Assert.False(IsTraining);
        Assert.True(NoGrad.IsActive);
        Batches.Add(images.Shape[0]);
        Tensor logits = images.Value.Clone();
        for (long i = 0; i < logits.Count; i += 3)
            logits[i + 1] *= -1;
        return new Variable(logits);
    }

    public sealed record Architecture : ModelOptions
    {
        public override string Kind => "tests-pixel";

        public override SegmentationModel Create(DType type = DType.Float32) => new PixelModel(Height, Width);
    }
}
