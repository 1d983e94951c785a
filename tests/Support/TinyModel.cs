using CsUnet.Autograd;
using CsUnet.Models.Networks;
using CsUnet.Nn;
using CsUnet.Tensors;

namespace CsUnet.Tests.Support;

/// <summary>A pixelwise classifier with one convolution, batch norm and dropping: everything that a trainer has to carry along.</summary>
internal sealed class TinyModel : SegmentationModel
{
    private readonly Conv2d _convolution;
    private readonly BatchNorm2d _norm;
    private readonly Linear _head;

    public TinyModel(int size = 32, int classes = 3, DType type = DType.Float32) : base(size, size, classes, type)
    {
        _convolution = Register("conv", new Conv2d(3, 8, 3, padding: 1, type: type));
        _norm = Register("norm", new BatchNorm2d(8, type));
        _head = Register("head", new Linear(8, classes, true, type));
    }

    protected override Variable Logits(Variable images)
    {
        Variable x = Variable.Apply(new Kernels.Activation(Kernels.ActivationKind.ReLU), _norm.Forward(_convolution.Forward(images)));
        if (IsTraining)
            x = Variable.Apply(new Kernels.Dropout(0.1, Key), x);
        return _head.Forward(x);
    }
}
