using CsUnet.Cuda;

namespace CsUnet.Tests.Cuda;

public class ComposedTextTests
{
    [Theory]
    [InlineData("U\u0308bersicht", "\u00dcbersicht")]
    [InlineData("Gefu\u0308ge 3%", "Gef\u00fcge 3%")]
    // Two marks in either order, Hangul, kana with a voiced mark, the angstrom sign, a compatibility ideograph.
    [InlineData("e\u0302\u0323", "\u1ec7")]
    [InlineData("e\u0323\u0302", "\u1ec7")]
    [InlineData("\u1112\u1161\u11ab\u1100\u116e\u11a8", "\ud55c\uad6d")]
    [InlineData("\u304b\u3099", "\u304c")]
    [InlineData("\u212b", "\u00c5")]
    [InlineData("\uf900", "\u8c48")]
    public void Decomposed_and_composed_texts_are_equal(string decomposed, string composed)
    {
        Assert.NotEqual(composed, decomposed);
        Assert.Equal(composed, ComposedText.Of(decomposed));
        Assert.Same(composed, ComposedText.Of(composed));
    }

    [Theory]
    [InlineData("")]
    [InlineData("plain#1(2)")]
    // Alike, but not canonically equal: a ligature, a full-width letter, the micro sign; a letter's case.
    [InlineData("\ufb01le")]
    [InlineData("\uff21")]
    [InlineData("\u00b5m")]
    [InlineData("\u00c4")]
    // A replacement character, characters beyond 16 bits, half a character.
    [InlineData("a\ufffdb\u0308")]
    [InlineData("\ud83d\ude00\u00e4")]
    public void Other_texts_stay_as_they_are(string text) => Assert.Equal(text, ComposedText.Of(text));

    [Fact]
    public void Half_a_character_stays()
    {
        foreach (string text in new[] { "a\u0308\ud800", "\udc00a\u0308", "\ufffda\u0308\ud800x" })
            Assert.Equal(text, ComposedText.Of(text));
    }
}
