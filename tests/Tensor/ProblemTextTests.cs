using CsUnet.Tensors;

namespace CsUnet.Tests;

public sealed class ProblemTextTests
{
    [Theory]
    [InlineData(null, null, null, "it is wrong")]
    [InlineData("a.tif", null, null, "a.tif: it is wrong")]
    [InlineData(null, "that", null, "it is wrong, expected that")]
    [InlineData(null, null, "mend it", "it is wrong; mend it")]
    [InlineData("a.tif", "that", "mend it", "a.tif: it is wrong, expected that; mend it")]
    public void A_message_has_the_parts_that_there_are(string? place, string? expected, string? remedy, string message) =>
        Assert.Equal(message, ProblemText.Compose(place, "it is wrong", expected, remedy));

    [Theory]
    [InlineData(0, "0 pixels")]
    [InlineData(1, "1 pixel")]
    [InlineData(2, "2 pixels")]
    [InlineData(21, "21 pixels")]
    public void One_is_singular(long count, string text) => Assert.Equal(text, ProblemText.Count(count, "pixel"));

    [Fact]
    public void A_plural_of_its_own() =>
        Assert.Equal("2 classes, 1 class", $"{ProblemText.Count(2, "class", "classes")}, {ProblemText.Count(1, "class", "classes")}");

    [Theory]
    [InlineData(96.0 * 1024 * 1024, "96 MiB")]
    [InlineData(1023.0 * 1024 * 1024, "1023 MiB")]
    [InlineData(1024.0 * 1024 * 1024, "1.0 GiB")]
    [InlineData(1.5 * 1024 * 1024 * 1024, "1.5 GiB")]
    public void Memory_below_a_gibibyte_is_in_mebibytes(double bytes, string text) => Assert.Equal(text, ProblemText.Memory(bytes));

    [Fact]
    public void Choices_are_joined_by_or() => Assert.Equal(("", "a", "a or b", "a, b or c"),
        (ProblemText.OneOf([]), ProblemText.OneOf(["a"]), ProblemText.OneOf(["a", "b"]), ProblemText.OneOf(["a", "b", "c"])));
}
