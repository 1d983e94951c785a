using CsUnet.Tensors;

namespace CsUnet.Tests;

public sealed class NearestNameTests
{
    [Theory]
    [InlineData("", "", 0)]
    [InlineData("abc", "", 3)]
    [InlineData("kitten", "sitting", 3)]
    [InlineData("stesp", "steps", 1)]
    [InlineData("train", "train", 0)]
    [InlineData("ab", "ba", 1)]
    public void Distance_counts_edits(string a, string b, int expected)
    {
        Assert.Equal(expected, NearestName.Distance(a, b));
        Assert.Equal(expected, NearestName.Distance(b, a));
    }

    [Theory]
    [InlineData("--checkp", "--checkpoint")]
    [InlineData("--SEED", "--seed")]
    [InlineData("--sed", "--seed")]
    [InlineData("--entirely-different", null)]
    public void Nearest_is_near_or_nothing(string word, string? expected) =>
        Assert.Equal(expected, NearestName.Of(word, ["--seed", "--checkpoint", "--steps"]));

    [Fact]
    public void Nothing_is_near_to_nothing() => Assert.Null(NearestName.Of("word", []));
}
