using CsUnet.Models.Networks;

namespace CsUnet.Tests.Models;

public sealed class CsUnetOptionsTests
{
    // The paper's network has window 7 at 224 pixels. The parameter counts are those of the authors' PyTorch modules.
    [Theory]
    [InlineData("cs-unet-tiny", 224, 71_690_852)]
    [InlineData("cs-unet-mini", 128, 6_208_684)]
    public void Presets_have_the_published_number_of_parameters(string preset, int size, long expected) =>
        Assert.Equal(expected, SegmentationModels.Preset(preset, size, size, classes: 3).Create().ParameterCount);
}
