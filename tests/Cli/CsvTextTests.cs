using CsUnet.Cli;

namespace CsUnet.Tests.Cli;

public sealed class CsvTextTests
{
    [Theory]
    [InlineData("spot_7.tif", "spot_7.tif")]
    [InlineData("a,b", "\"a,b\"")]
    [InlineData("a\"b", "\"a\"\"b\"")]
    [InlineData("a;b", "\"a;b\"")]
    [InlineData("=1+1", "'=1+1")]
    [InlineData("+a", "'+a")]
    [InlineData("-a,b", "\"'-a,b\"")]
    [InlineData("@cmd", "'@cmd")]
    [InlineData("\uff1d1", "'\uff1d1")]
    [InlineData("a=b", "a=b")]
    [InlineData("a\r\nb,c", "\"a\\r\\nb,c\"")]
    [InlineData("\t=1", "\\t=1")]
    [InlineData("\u202ea", "\\u202ea")]
    [InlineData("", "")]
    public void A_cell_is_a_text(string text, string cell) => Assert.Equal(cell, CsvText.Cell(text));

    [Fact]
    public void A_command_with_control_characters_can_be_shown_and_copied()
    {
        Assert.Equal("a/b", NextSteps.Quote("a/b"));
        Assert.Equal("'a b'\\''c'", NextSteps.Quote("a b'c"));
        Assert.Equal("$'a\\nb\\'c\\\\d\\u001b'", NextSteps.Quote("a\nb'c\\d\u001b"));
    }
}
