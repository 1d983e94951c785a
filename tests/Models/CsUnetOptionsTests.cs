using CsUnet.Models.Networks;
using CsUnet.Tensors;

namespace CsUnet.Tests.Models;

public sealed class CsUnetOptionsTests
{
    // The paper's network has window 7 at 224 pixels. The parameter counts are those of the authors' PyTorch modules.
    [Theory]
    [InlineData("cs-unet-tiny", 224, 71_690_852)]
    [InlineData("cs-unet-mini", 128, 6_208_684)]
    public void Presets_have_the_published_number_of_parameters(string preset, int size, long expected) =>
        Assert.Equal(expected, SegmentationModels.Preset(preset, size, size, classes: 3).Create().ParameterCount);

    [Fact]
    public void What_no_machine_holds_is_refused_before_memory_is_allocated()
    {
        SegmentationModel mini = CsUnetOptions.Mini(128, 128, 3).Create();
        mini.RequireMemory(8, 1L << 30);
        Assert.Equal("a step needs at least 128 MiB of memory; 100 MiB are available; take a smaller batch, size or model",
            Assert.Throws<InvalidValueException>(() => mini.RequireMemory(8, 100 << 20)).Message);
        Assert.Throws<InvalidValueException>(() => mini.RequireMemory(65536, 1L << 34));
        CsUnetOptions huge = CsUnetOptions.Mini(128, 128, 3) with { EmbedDim = 4096, Depths = [100, 100, 100, 100] };
        Assert.Throws<InvalidValueException>(() => huge.Create().RequireMemory(1));
        Assert.Contains("at least 373 MiB of memory; 1 MiB are available", Assert.Throws<InvalidValueException>(
            () => UNetOptions.Create(64, 64, 3).Create().RequireMemory(1, 1 << 20)).Message);
    }
}
