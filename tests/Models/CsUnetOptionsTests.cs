using CsUnet.Models.Networks;
using CsUnet.Tensors;
using Xunit;

namespace CsUnet.Tests.Models;

public sealed class CsUnetOptionsTests
{
    [Theory]
    [InlineData("cs-unet-mini", 128)]
    [InlineData("cs-unet-mini", 64)]
    [InlineData("cs-unet-lite", 224)]
    [InlineData("cs-unet-tiny", 224)]
    public void Least_parameters_are_a_bound_and_no_guess(string preset, int size)
    {
        CsUnetOptions options = CsUnetOptions.Preset(preset, size, size, 3);
        long count = new CsUnetModel(options).ParameterCount;
        Assert.InRange(options.LeastParameters(), count / 2, count);
    }

    // The paper's network has window 7 at 224; the counts are those of its authors' modules in PyTorch.
    [Theory]
    [InlineData("cs-unet-tiny", 224, 71_690_852)]
    [InlineData("cs-unet-mini", 128, 6_208_684)]
    public void Presets_have_the_published_number_of_parameters(string preset, int size, long expected) =>
        Assert.Equal(expected, new CsUnetModel(CsUnetOptions.Preset(preset, size, size, classes: 3)).ParameterCount);

    [Fact]
    public void What_no_machine_holds_is_refused_before_it_is_built()
    {
        CsUnetOptions mini = CsUnetOptions.Preset("cs-unet-mini", 128, 128, 3);
        mini.RequireMemory(8, 1L << 30);
        Assert.Equal("a step needs at least 101 MiB of memory; 100 MiB are available; take a smaller batch, size or model",
            Assert.Throws<InvalidValueException>(() => mini.RequireMemory(8, 100 << 20)).Message);
        Assert.Throws<InvalidValueException>(() => mini.RequireMemory(65536, 1L << 34));
        Assert.Throws<InvalidValueException>(() => (mini with { EmbedDim = 4096, Depths = [100, 100, 100, 100] }).RequireMemory(1));
    }
}
