using CsUnet.Autograd;
using CsUnet.Kernels;
using CsUnet.Models.Encoders;
using CsUnet.Models.Networks;
using CsUnet.Nn;
using CsUnet.Tensors;
using CsUnet.Training;

namespace CsUnet.Tests.Models;

/// <summary>U-Net and the settings of networks; the reference tests compare the numbers with the public implementation.</summary>
public sealed class UNetTests
{
    [Theory]
    [InlineData("resnet18", 14_328_499)]
    [InlineData("resnet50", 32_521_395)]
    public void It_has_the_published_number_of_parameters(string encoder, long expected) =>
        Assert.Equal(expected, (UNetOptions.Create(64, 64, 3) with { Encoder = Encoders.Named(encoder) }).Create().ParameterCount);

    [Fact]
    public void It_labels_every_pixel()
    {
        SegmentationModel model = SegmentationModels.Named("unet")
            .With(64, 96, 5, new NetworkSettings { Encoder = "resnet18", EncoderWidth = 4 }).Create();
        model.Initialize(1);
        Variable logits = model.Forward(new Variable(Tensor.Full([2, 64, 96, 3], 0.5)));
        Assert.Equal(new Shape(2, 64, 96, 5), logits.Shape);
        logits.Backward(Tensor.Full(logits.Shape, 1));
        Assert.All(model.NamedParameters(), named => Assert.True(named.Parameter.Gradient is not null, named.Name));
        Assert.Contains("UNet: images is (2,32,96,3), expected (B,64,96,3)", Assert.Throws<ShapeException>(
            () => model.Forward(new Variable(Tensor.Zeros([2, 32, 96, 3])))).Message);
    }

    [Fact]
    public void A_setting_of_another_network_is_refused()
    {
        TrainingOptions options = new() { Model = "unet" };
        Assert.Equal(Encoders.Named("resnet34").ToString(), Assert.IsType<UNetOptions>(options.ModelOptions(3)).Encoder.ToString());
        foreach ((string key, string value) in new[] { ("window", "7"), ("embed_dim", "32"), ("depths", "1,1,1,1"), ("heads", "1,1,1,1"),
            ("mlp", "mlp"), ("drop_path", "0.1") })
            Assert.Equal($"{key} is not an option of unet, which has encoder, encoder_width, encoder_layers",
                Assert.Throws<InvalidValueException>(() => options.With(key, value).ModelOptions(3)).Message);
        Assert.Equal(8, Assert.IsType<ResNetOptions>(Assert.IsType<UNetOptions>(
            options.With("encoder", "resnet50").With("encoder_width", "8").ModelOptions(3)).Encoder).Width);
    }

    [Fact]
    public void Config_yaml_holds_the_options_of_its_network()
    {
        string yaml = new TrainingOptions { Model = "unet", Encoder = "resnet18" }.ToYaml();
        Assert.Contains("encoder: resnet18", yaml);
        foreach (string key in new[] { "window:", "embed_dim:", "depths:", "heads:", "mlp:", "drop_path:" })
            Assert.DoesNotContain($"\n{key}", yaml);
        Assert.Equal(yaml, TrainingOptions.Parse(yaml).ToYaml());
        // An option that the network does not have is kept when read; creating the network refuses it.
        Assert.Equal(7, TrainingOptions.Parse("model: unet\nwindow: 7").Window);
        Assert.Contains("window: 7", TrainingOptions.Parse("model: unet\nwindow: 7").ToYaml());
    }

    [Fact]
    public void Files_of_before_there_were_networks_still_configure_a_cs_unet()
    {
        TrainingOptions options = TrainingOptions.Parse("""
            model: cs-unet-mini
            window: 4
            embed_dim:
            depths: [1, 1, 2, 1]
            heads: []
            encoder: resnet34
            encoder_width: 16
            mlp: resmlp
            drop_path: 0.1
            """);
        CsUnetOptions model = Assert.IsType<CsUnetOptions>(options.ModelOptions(3));
        Assert.Equal((4, 32, 0.1, MlpKind.ResMlp), (model.Window, model.EmbedDim, model.DropPath, model.Mlp));
        Assert.Equal([1, 1, 2, 1], model.Depths);
        Assert.Equal([3, 4, 6, 3], Assert.IsType<ResNetOptions>(model.Cnn).Layers);
        Assert.Equal(16, Assert.IsType<ResNetOptions>(model.Cnn).Width);
    }
}
