using System.Globalization;
using System.Text;
using CsUnet.Tensors;
using CsUnet.Verification;

namespace CsUnet.Cli.Report;

/// <summary>
/// Writes the results of a gradient check as one self-contained HTML page: failures first, then in order of the share of the tolerance.
/// </summary>
internal static class GradCheckPage
{
    private const string Style = """
        main{max-width:1400px}
        .bar{display:inline-block;width:90px;height:9px;border-radius:3px;background:var(--line);margin-left:8px;overflow:hidden;vertical-align:1px}
        .bar i{display:block;height:100%;background:var(--accent)}
        .failed,.failed td{color:#d1242f}.failed .bar i{background:#d1242f}
        @media (prefers-color-scheme:dark){.failed,.failed td{color:#ff7b72}.failed .bar i{background:#ff7b72}}
        td.name{white-space:nowrap}
        pre{white-space:pre-wrap}
        """;

    public static string Render(GradCheckSummary summary)
    {
        var html = new StringBuilder();
        html.Append(CultureInfo.InvariantCulture, $"""
            <!doctype html>
            <html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
            <meta name="color-scheme" content="light dark"><title>Gradient check</title>
            <style>{HtmlReport.Style}{Style}</style></head><body><main>
            <h1>Gradient check</h1><p class="faint">{Text(summary.Device)}; {Text(Machine.Current.Describe())}; {Text(summary.Command)}</p>
            <div class="cards">
            """);
        Card($"{summary.Passed}", "checks passed");
        Card($"{summary.Failed}", "failed");
        Card($"{summary.Entries:N0}", "entries compared");
        Card($"{summary.Undecided}", "undecided");
        Card($"{summary.Shapes}", "random shapes");
        Card($"{summary.Elapsed.TotalSeconds:F0} s", "wall time");
        html.Append("</div>\n");
        AppendFailures(html, summary);
        AppendLines(html, summary);
        AppendRefusals(html, summary);
        return html.Append("</main></body></html>\n").ToString();

        void Card(FormattableString value, string name) => html.Append(
            CultureInfo.InvariantCulture,
            $"<div class=\"card\"><b>{Text(FormattableString.Invariant(value))}</b><span>{name}</span></div>");
    }

    private static void AppendFailures(StringBuilder html, GradCheckSummary summary)
    {
        foreach (GradCheckReport report in summary.Reports.Where(report => !report.Passed))
        {
            html.Append(CultureInfo.InvariantCulture,
                $"<h2 class=\"failed\">Failed: {Text(report.Name)}, {report.Type}</h2><pre>{HtmlText.Lines(report.Failure!)}</pre>\n");
            if (report.Reproduction is not null)
                html.Append(CultureInfo.InvariantCulture,
                    $"<p>The smallest failing shape, for src/Verification/OperatorCases.cs:</p><pre>{HtmlText.Lines(report.Reproduction)}</pre>\n");
        }
    }

    private static void AppendRefusals(StringBuilder html, GradCheckSummary summary)
    {
        if (summary.Refused == 0)
            return;
        html.Append("<h2>Not taken in this type</h2><table>\n");
        foreach (GradCheckReport report in summary.Reports.Where(report => report.Refusal is not null))
            html.Append(CultureInfo.InvariantCulture,
                $"<tr><td>{Text(report.Name)}</td><td>{report.Type}</td><td>{Text(report.Refusal!)}</td></tr>\n");
        html.Append("</table>\n");
    }

    private static void AppendLines(StringBuilder html, GradCheckSummary summary)
    {
        html.Append("""
            <h2>By argument, worst first</h2>
            <p class="faint">error: relative to the tensor's largest entry. share: error over what was allowed, the numeric derivative's own error included.</p>
            <div class="scroll"><table><tr><th>check</th><th>type</th><th>argument</th><th class="n">error</th><th class="n">share</th><th class="n">entries</th><th class="n">undecided</th><th class="n">shorter steps</th><th>&nbsp; worst at</th><th>kinks</th></tr>

            """);
        foreach ((GradCheckReport report, GradCheckLine line) in summary.Reports.SelectMany(report =>
            report.Lines.Select(line => (report, line)))
            .OrderBy(pair => pair.line.Passed).ThenByDescending(pair => pair.line.Share))
        {
            double width = double.IsFinite(line.Share) ? Math.Clamp(line.Share, 0, 1) * 100 : 100;
            html.Append(CultureInfo.InvariantCulture,
                $"<tr{(line.Passed ? "" : " class=\"failed\"")}><td class=\"name\">{Text(report.Name)}</td><td>{report.Type}</td><td "
                    + $"class=\"name\">{Text(line.Argument)}</td>");
            html.Append(CultureInfo.InvariantCulture,
                $"<td class=\"n\">{line.Error:0.0E+00}</td><td class=\"n name\">{line.Share:0.000}<span class=\"bar\"><i "
                    + $"style=\"width:{width:F0}%\"></i></span></td>");
            html.Append(CultureInfo.InvariantCulture,
                $"<td class=\"n\">{line.Entries}</td><td class=\"n\">{line.Undecided}</td><td class=\"n\">{line.ShortSteps}</td>");
            html.Append(CultureInfo.InvariantCulture,
                $"<td>&nbsp; {Text(line.Check)}: {Text(line.Where)}</td><td>{Text(report.Kinks)}</td></tr>\n");
        }
        html.Append("</table></div>\n");
    }

    private static string Text(string text) => HtmlText.Of(text);
}
