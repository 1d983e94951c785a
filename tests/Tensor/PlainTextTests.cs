using CsUnet.Tensors;

namespace CsUnet.Tests;

public sealed class PlainTextTests
{
    [Theory]
    [InlineData("Spot 7, größer als 20 µm (日本) 🙂", "Spot 7, größer als 20 µm (日本) 🙂")]
    [InlineData("a\nerror: forged", "a\\nerror: forged")]
    [InlineData("a\r\tb", "a\\r\\tb")]
    [InlineData("\u001b[31mred", "\\u001b[31mred")]
    [InlineData("\u009b2J", "\\u009b2J")]
    [InlineData("a\u0085b\u2028c\u2029d", "a\\u0085b\\u2028c\\u2029d")]
    [InlineData("\u202egnp.exe\u202c", "\\u202egnp.exe\\u202c")]
    [InlineData("\u2066x\u2069", "\\u2066x\\u2069")]
    [InlineData("a\0b\u007fc", "a\\u0000b\\u007fc")]
    [InlineData("a\ufeffb\uffffc", "a\\ufeffb\\uffffc")]
    [InlineData("x\U000e0041", "x\\U000e0041")]
    [InlineData("👩\u200d🔬", "👩\u200d🔬")]
    public void What_controls_a_terminal_is_shown_escaped(string text, string plain)
    {
        Assert.Equal(plain, PlainText.Of(text));
        Assert.Equal(plain, PlainText.Of(PlainText.Of(text)));
    }

    [Fact]
    public void A_surrogate_without_its_pair_is_shown_escaped()
    {
        Assert.Equal("a\\ud83db", PlainText.Of("a\ud83db"));
        Assert.Equal("\\ude00", PlainText.Of("\ude00"));
        Assert.Equal("a\\ud83d", PlainText.Of("a\ud83d"));
    }

    [Fact]
    public void Lines_of_the_program_stay_lines() => Assert.Equal("a\nb\\u001b\nc", PlainText.Lines("a\r\nb\u001b\nc"));

    [Theory]
    [InlineData(40)]
    [InlineData(41)]
    [InlineData(300)]
    public void A_long_text_keeps_beginning_and_end(int longest)
    {
        string text = "begin" + new string('\u0001', 100_000) + "end", emoji = string.Concat(Enumerable.Repeat("🙂", 1000));
        Assert.InRange(PlainText.Short(text, longest).Length, 1, longest);
        Assert.StartsWith("begi", PlainText.Short(text, longest));
        Assert.EndsWith("d", PlainText.Short(text, longest));
        Assert.Equal(PlainText.Short(text, longest), PlainText.Short(PlainText.Short(text, longest), longest));
        Assert.Equal("short", PlainText.Short("short", longest));
        Assert.DoesNotContain("\\u", PlainText.Short(emoji, longest));
        Assert.Contains("(2000 characters)", PlainText.Short(emoji, longest));
    }

    [Fact]
    public void A_message_is_one_short_line_whatever_its_parts_hold()
    {
        string hostile = "\n\u001b[2J\u202e\u2028" + new string('9', 100_000);
        string message = ProblemText.Compose(hostile, $"is '{hostile}'", hostile, hostile);
        Assert.True(message.Length < 4000, $"{message.Length} characters");
        Assert.Equal(PlainText.Of(message), message);
        Assert.Equal("two:\n  a\n  b\\nc", ProblemText.WithLines("two:", ["a", "b\nc"]));
    }
}
