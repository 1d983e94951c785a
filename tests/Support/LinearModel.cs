using CsUnet.Autograd;
using CsUnet.Models.Networks;
using CsUnet.Nn;
using CsUnet.Tensors;

namespace CsUnet.Tests.Support;

/// <summary>A linear pixel classifier. It has no statistics, so only its parameters change its predictions.</summary>
internal sealed class LinearModel : SegmentationModel
{
    private readonly Linear _head;

    public LinearModel() : base(new Architecture { Height = 32, Width = 32 }, DType.Float32) =>
        _head = Register("head", new Linear(3, 3, true, DType.Float32));

    protected override Variable Logits(Variable images) => _head.Forward(images);

    public sealed record Architecture : ModelOptions
    {
        public override string Kind => "tests-linear";

        public override SegmentationModel Create(DType type = DType.Float32) => new LinearModel();
    }
}
