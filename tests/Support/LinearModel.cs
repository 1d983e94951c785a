using CsUnet.Autograd;
using CsUnet.Models.Networks;
using CsUnet.Nn;
using CsUnet.Tensors;

namespace CsUnet.Tests.Support;

/// <summary>A linear classifier of single pixels: without statistics, its predictions change by its parameters alone.</summary>
internal sealed class LinearModel : SegmentationModel
{
    private readonly Linear _head;

    public LinearModel() : base(32, 32, 3, DType.Float32) => _head = Register("head", new Linear(3, 3, true, DType.Float32));

    protected override Variable Logits(Variable images) => _head.Forward(images);
}
