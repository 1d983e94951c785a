using CsUnet.Autograd;
using CsUnet.Kernels;
using CsUnet.Models.Networks;
using CsUnet.Nn;
using CsUnet.Tensors;
using CsUnet.Training;

namespace CsUnet.Tests.Models;

/// <summary>Precisions by name, and the CPU's refusals; their arithmetic is tested on a CUDA device.</summary>
public sealed class PrecisionTests
{
    private static CsUnetModel Model(DType type = DType.Float32)
    {
        var model = new CsUnetModel(CsUnetOptions.Mini(32, 32, classes: 2), type);
        model.Initialize(1);
        model.Eval();
        return model;
    }

    [Theory]
    [InlineData(Precision.Fp32, "fp32", DType.Float32)]
    [InlineData(Precision.Tf32, "tf32", DType.Float32)]
    [InlineData(Precision.Bf16, "bf16", DType.BFloat16)]
    public void Names_and_types(Precision precision, string label, DType activations)
    {
        Assert.Equal(label, precision.Label());
        Assert.Equal(precision, Precisions.Find(label));
        Assert.Equal(activations, precision.ActivationType());
        var options = new TrainingOptions { Precision = precision };
        Assert.Contains($"precision: {label}", options.ToYaml());
        Assert.Equal(precision, new TrainingOptions().With("precision", label).Precision);
    }

    [Fact]
    public void An_unknown_name_is_refused()
    {
        Assert.Null(Precisions.Find("fp16"));
        Assert.Contains("bf16", Assert.Throws<OptionException>(() => new TrainingOptions().With("precision", "fp16")).Message);
    }

    [Theory]
    [InlineData(Precision.Tf32)]
    [InlineData(Precision.Bf16)]
    public void The_processor_computes_in_fp32_only(Precision precision)
    {
        CsUnetModel model = Model();
        model.Precision = precision;
        Assert.Contains($"precision {precision.Label()} needs a CUDA device", Assert.Throws<NotSupportedException>(
            () => model.Forward(new Variable(Tensor.Zeros([1, 32, 32, 3])))).Message);
        model.Precision = Precision.Fp32;
        Assert.Equal(new Shape(1, 32, 32, 2), model.Forward(new Variable(Tensor.Zeros([1, 32, 32, 3]))).Shape);
    }

    [Fact]
    public void Images_and_parameters_have_the_models_type()
    {
        CsUnetModel model = Model(DType.Float64);
        Assert.Contains("CsUnetModel: images is float32 (1,32,32,3), expected float64", Assert.Throws<ShapeException>(
            () => model.Forward(new Variable(Tensor.Zeros([1, 32, 32, 3])))).Message);
        Assert.Contains("float32 parameters, this one has float64", Assert.Throws<NotSupportedException>(
            () => model.Precision = Precision.Bf16).Message);
        model.Precision = Precision.Fp32;
    }
}
