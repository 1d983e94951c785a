using CsUnet.Autograd;
using CsUnet.Models;
using CsUnet.Models.Encoders;
using CsUnet.Models.Networks;
using CsUnet.Nn;
using CsUnet.Tensors;

namespace CsUnet.Tests.Models;

/// <summary>The table of encoders, the rules for encoders, and custom encoders.</summary>
public sealed class EncoderTests
{
    public static TheoryData<string> Names => [.. Encoders.Names];

    [Theory]
    [MemberData(nameof(Names))]
    public void Features_are_as_announced(string name)
    {
        EncoderOptions options = Encoders.Named(name);
        Assert.Equal([2, 4, 8, 16, 32], options.Create(DType.Float32).Features.Select(feature => feature.Stride));
        // A narrow encoder is fast.
        Encoder encoder = options.WithWidth(2).Create(DType.Float32);
        encoder.Initialize(1);
        using NoGrad scope = NoGrad.Begin();
        Variable[] features = encoder.Forward(new Variable(Tensor.Full([2, 64, 96, 3], 0.5)));
        Assert.Equal(encoder.Features.Select(feature => new Shape(2, 64 / feature.Stride, 96 / feature.Stride, feature.Channels)),
            features.Select(feature => feature.Shape));
    }

    [Fact]
    public void Channels_of_the_published_widths()
    {
        Assert.Equal([64, 64, 128, 256, 512],
            Encoders.Named("resnet34").Create(DType.Float32).Features.Select(feature => feature.Channels));
        Assert.Equal([64, 256, 512, 1024, 2048],
            Encoders.Named("resnet152").Create(DType.Float32).Features.Select(feature => feature.Channels));
        Assert.Equal(11_176_512, Encoders.Named("resnet18").Create(DType.Float32).ParameterCount);
    }

    [Fact]
    public void An_unknown_name_lists_the_known_ones()
    {
        string message = Assert.Throws<InvalidValueException>(() => Encoders.Named("resnet19")).Message;
        Assert.Contains("encoder 'resnet19' is not known; use one of resnet18, resnet34", message);
        Assert.Contains("encoder width 0", Assert.Throws<InvalidValueException>(() => Encoders.Named("resnet18", 0).Validate()).Message);
    }

    /// <summary>An encoder with one convolution per feature.</summary>
    private sealed class Plain : Encoder
    {
        private readonly CsUnet.Nn.Conv2d[] _convolutions;

        public Plain(PlainOptions options, DType type) : base(type)
        {
            Features = [.. Enumerable.Range(1, options.Levels).Select(level => new Feature(1 << level, 4 + level))];
            _convolutions = [.. Features.Select((feature, i) => Register($"conv{i}", new CsUnet.Nn.Conv2d(
                i == 0 ? 3 : feature.Channels - 1, feature.Channels, 3, stride: 2, padding: 1, type: type)))];
        }

        public override IReadOnlyList<Feature> Features { get; }

        public override Variable[] Forward(Variable images)
        {
            Variable x = images;
            return [.. _convolutions.Select(convolution => x = convolution.Forward(x))];
        }
    }

    private sealed record PlainOptions : EncoderOptions
    {
        public int Levels { get; init; } = 5;

        public override string Kind => "tests-plain";

        public override Encoder Create(DType type) => new Plain(this, type);
    }

    [Fact]
    public void An_encoder_from_outside_serves_every_network_and_is_read_back()
    {
        ModelOptions[] networks =
        [
            UNetOptions.Create(64, 64, 2) with { Encoder = new PlainOptions(), DecoderChannels = [8, 7, 6, 5, 4] },
            CsUnetOptions.Mini(64, 64, 2) with { EmbedDim = 8, Cnn = new PlainOptions() },
        ];
        EncoderOptions.Register<PlainOptions>("tests-plain");
        foreach (ModelOptions options in networks)
        {
            SegmentationModel model = options.Create();
            model.Initialize(1);
            using NoGrad scope = NoGrad.Begin();
            Assert.Equal(new Shape(2, 64, 64, 2), model.Forward(new Variable(Tensor.Full([2, 64, 64, 3], 0.5))).Shape);
            Assert.Equal(options.ToJson(), ModelOptions.FromJson(options.ToJson()).ToJson());
            Assert.Contains("\"kind\":\"tests-plain\"", options.ToJson());
        }
        Assert.Contains("come in one width", Assert.Throws<InvalidValueException>(() => new PlainOptions().WithWidth(3)).Message);
    }

    [Fact]
    public void Networks_say_which_features_they_need()
    {
        Assert.Contains("features of strides 2, 4, 8, CS-UNet needs 4, 8, 16, 32", Assert.Throws<InvalidValueException>(
            () => (CsUnetOptions.Mini(64, 64, 2) with { Cnn = new PlainOptions { Levels = 3 } }).Create()).Message);
        Assert.Contains("5 decoder channels, expected 3", Assert.Throws<InvalidValueException>(
            () => (UNetOptions.Create(64, 64, 2) with { Encoder = new PlainOptions { Levels = 3 } }).Create()).Message);
    }

    [Fact]
    public void A_kind_belongs_to_one_type()
    {
        Assert.Contains("encoder kind 'resnet' is ResNetOptions already", Assert.Throws<ArgumentException>(
            () => EncoderOptions.Register<PlainOptions>("resnet")).Message);
        UnknownKindException failure = Assert.Throws<UnknownKindException>(() =>
            ModelOptions.FromJson("""{"kind":"unet","height":64,"width":64,"encoder":{"kind":"odd"}}"""));
        Assert.Equal("odd", failure.Kind);
        Assert.Contains("encoder kind 'odd' is not registered, expected one of resnet", failure.Message);
    }
}
