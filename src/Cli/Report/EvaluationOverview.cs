using System.Globalization;
using System.Text;
using CsUnet.Training;

namespace CsUnet.Cli.Report;

/// <summary>The table of all evaluations of a run: what each measured, and its scores.</summary>
internal static class EvaluationOverview
{
    /// <summary>The table as HTML; nothing for fewer than two evaluations.</summary>
    /// <param name="evaluations">The evaluations; each has an origin.</param>
    public static string Render(IReadOnlyList<Evaluation> evaluations)
    {
        if (evaluations.Count < 2)
            return "";
        var html = new StringBuilder("<h2>Evaluations</h2><div class=\"scroll\"><table><tr><th>images</th><th>weights</th>"
            + "<th class=\"n\">step</th><th class=\"n\">stride</th><th>device</th><th>data</th><th>content</th>"
            + "<th class=\"n\">mean IoU</th><th class=\"n\">mean Dice</th><th class=\"n\">pixel accuracy</th></tr>");
        foreach (Evaluation evaluation in evaluations)
        {
            EvaluationOrigin origin = evaluation.Origin!;
            bool isKnown = IsKnown(origin);
            string step = isKnown ? origin.Step.ToString(CultureInfo.InvariantCulture) : "",
                stride = isKnown ? origin.Stride.ToString(CultureInfo.InvariantCulture) : "";
            html.Append(CultureInfo.InvariantCulture, $"<tr><td>{Text(origin.Split)}</td><td>{Text(origin.Checkpoint)}</td>"
                + $"<td class=\"n\">{step}</td><td class=\"n\">{stride}</td><td>{Text(origin.Device)}</td><td>{Text(origin.Data)}</td>"
                + $"<td>{Text(origin.ShortContent)}</td><td class=\"n\">{evaluation.MeanIoU:F3}</td>"
                + $"<td class=\"n\">{evaluation.MeanDice:F3}</td><td class=\"n\">{evaluation.PixelAccuracy:F3}</td></tr>");
        }
        return html.Append("</table></div>\n").ToString();
    }

    /// <summary>The name of an evaluation in a heading: <c>test, best weights of step 60, stride 64, content 1a2b3c4d</c>.</summary>
    public static string Name(EvaluationOrigin origin) => !IsKnown(origin) ? origin.Split : string.Create(CultureInfo.InvariantCulture,
        $"{origin.Split}, {origin.Checkpoint} weights of step {origin.Step}, stride {origin.Stride}, content {origin.ShortContent}");

    private static bool IsKnown(EvaluationOrigin origin) => origin.Checkpoint.Length > 0;

    private static string Text(string text) => HtmlText.Of(text);
}
