using System.Net;
using CsUnet.Tensors;

namespace CsUnet.Cli.Report;

/// <summary>Texts for HTML and SVG: plain (<see cref="PlainText"/>), and without markup.</summary>
internal static class HtmlText
{
    /// <summary>A text on one line.</summary>
    public static string Of(string text) => WebUtility.HtmlEncode(PlainText.Of(text));

    /// <summary>A text that keeps its lines.</summary>
    public static string Lines(string text) => WebUtility.HtmlEncode(PlainText.Lines(text));
}
