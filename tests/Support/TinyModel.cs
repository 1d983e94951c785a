using CsUnet.Autograd;
using CsUnet.Models.Networks;
using CsUnet.Nn;
using CsUnet.Tensors;

namespace CsUnet.Tests.Support;

/// <summary>
/// A segmentation model with one convolution, batch norm and dropout: all kinds of state that a trainer must save and restore.
/// </summary>
internal sealed class TinyModel : SegmentationModel
{
    private readonly Conv2d _convolution;
    private readonly BatchNorm2d _norm;
    private readonly Linear _head;
    private readonly double _dropout;

    public TinyModel(int size = 32, int classes = 3, DType type = DType.Float32)
        : this(new Architecture { Height = size, Width = size, Classes = classes }, type)
    {
    }

    public TinyModel(Architecture options, DType type) : base(options, type)
    {
        _convolution = Register("conv", new Conv2d(3, options.Channels, 3, padding: 1, type: type));
        _norm = Register("norm", new BatchNorm2d(options.Channels, type));
        _head = Register("head", new Linear(options.Channels, options.Classes, true, type));
        _dropout = options.Dropout;
    }

    protected override Variable Logits(Variable images)
    {
        Variable x = Variable.Apply(new Kernels.Activation(Kernels.ActivationKind.ReLU), _norm.Forward(_convolution.Forward(images)));
        if (IsTraining)
            x = Variable.Apply(new Kernels.Dropout(_dropout, Key), x);
        return _head.Forward(x);
    }

    /// <summary>Custom options, as written outside the engine.</summary>
    public sealed record Architecture : ModelOptions
    {
        public const string Name = "tests-tiny";

        public int Channels { get; init; } = 8;

        public double Dropout { get; init; } = 0.1;

        public override string Kind => Name;

        public override SegmentationModel Create(DType type = DType.Float32) => new TinyModel(this, type);

        public override ModelOptions ForWeights() => this with { Dropout = 0 };
    }
}
