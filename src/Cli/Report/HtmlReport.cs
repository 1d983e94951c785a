using System.Globalization;
using System.Text;
using CsUnet.Training;

namespace CsUnet.Cli.Report;

/// <summary>Writes the report of a run as one self-contained HTML page, with images and charts embedded.</summary>
internal static class HtmlReport
{
    /// <summary>Colours and fonts of every page that the program writes, light and dark.</summary>
    internal const string Style = """
        :root{--paper:#fff;--card:#f6f8fa;--ink:#1f2328;--faint:#59636e;--line:#d1d9e0;--accent:#0969da;--heat:9,105,218}
        @media (prefers-color-scheme:dark){:root{--paper:#0d1117;--card:#151b23;--ink:#e6edf3;--faint:#9198a1;--line:#3d444d;--accent:#58a6ff;--heat:88,166,255}}
        *{box-sizing:border-box}
        body{margin:0;background:var(--paper);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",sans-serif}
        main{max-width:1100px;margin:0 auto;padding:32px 24px 64px}
        h1{font-size:26px;margin:0}h2{font-size:18px;margin:40px 0 12px;padding-bottom:6px;border-bottom:1px solid var(--line)}
        h3{font-size:15px;margin:20px 0 8px}
        p{margin:6px 0}.faint{color:var(--faint)}
        .cards{display:flex;flex-wrap:wrap;gap:12px;margin-top:20px}
        .card{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:12px 18px;min-width:130px}
        .card b{display:block;font-size:24px;font-weight:600;font-variant-numeric:tabular-nums}.card span{color:var(--faint);font-size:13px}
        .columns{display:grid;grid-template-columns:repeat(auto-fit,minmax(440px,1fr));gap:20px}
        .flow{columns:2 440px;column-gap:20px}.flow>div{break-inside:avoid;padding-bottom:8px}.flow h3{margin-top:0}
        .panel{border:1px solid var(--line);border-radius:8px;padding:10px;min-width:0}
        .chart{width:100%;height:auto;display:block}
        table{border-collapse:collapse;font-variant-numeric:tabular-nums}
        th,td{padding:5px 14px 5px 0;text-align:left;border-bottom:1px solid var(--line);vertical-align:top;overflow-wrap:anywhere}
        th{color:var(--faint);font-weight:500;font-size:13px}td.n,th.n{text-align:right;padding-right:0;padding-left:22px;overflow-wrap:normal}
        .facts{width:100%}.facts td:first-child{color:var(--faint);width:42%}
        tr.mean td{font-weight:600;border-bottom:0}
        .scroll{overflow-x:auto}
        .confusion td.n{padding:6px 12px;border:1px solid var(--line)}.confusion th.n{padding:4px 12px}
        .legend{display:flex;flex-wrap:wrap;gap:6px 20px;margin:8px 0 14px}
        .legend i{display:inline-block;width:14px;height:14px;border-radius:3px;margin-right:6px;vertical-align:-2px;border:1px solid var(--line)}
        .example{display:grid;grid-template-columns:repeat(3,1fr);gap:10px;margin-bottom:18px}
        .example figure{margin:0}.example img{width:100%;display:block;border-radius:6px;border:1px solid var(--line)}
        .example figcaption{color:var(--faint);font-size:13px;margin-top:3px}
        pre,code{font:13px/1.5 ui-monospace,SFMono-Regular,Consolas,monospace}
        pre{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:12px 14px;overflow-x:auto;margin:6px 0 14px}
        details{margin-top:12px}details summary{cursor:pointer;color:var(--accent);margin-bottom:8px}
        @media print{body{font-size:12px}.example,.panel{break-inside:avoid}}
        """;

    public static string Render(ReportContent content)
    {
        var html = new StringBuilder();
        html.Append(CultureInfo.InvariantCulture, $"""
            <!doctype html>
            <html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
            <meta name="color-scheme" content="light dark"><title>{Text(content.Title)}</title>
            <style>{Style}{LineChart.Style}</style></head><body><main>
            <h1>{Text(content.Title)}</h1><p class="faint">{Text(content.Summary)}</p>

            """);
        if (content.Headlines.Count > 0)
        {
            html.Append("<div class=\"cards\">");
            foreach ((string value, string name) in content.Headlines)
                html.Append(CultureInfo.InvariantCulture, $"<div class=\"card\"><b>{Text(value)}</b><span>{Text(name)}</span></div>");
            html.Append("</div>\n");
        }
        AppendExamples(html, content);
        if (content.Charts.Count > 0)
        {
            html.Append("<h2>Training</h2><div class=\"columns\">\n");
            foreach (LineChart chart in content.Charts)
                html.Append(CultureInfo.InvariantCulture, $"<div class=\"panel\">{chart.ToElement()}</div>\n");
            html.Append("</div>\n");
        }
        html.Append(EvaluationOverview.Render(content.Evaluations));
        foreach (Evaluation evaluation in content.Evaluations)
            AppendEvaluation(html, EvaluationOverview.Name(evaluation.Origin!), evaluation);
        if (content.Dataset is { } dataset)
            DatasetSection.Append(html, dataset);
        AppendFacts(html, content);
        if (content.Next.Count > 0)
        {
            html.Append("<h2>What to run next</h2>\n");
            foreach ((string command, string purpose) in content.Next)
                html.Append(CultureInfo.InvariantCulture, $"<p>{Text(purpose)}</p><pre>{Text(command)}</pre>\n");
        }
        return html.Append("</main></body></html>\n").ToString();
    }

    private static void AppendExamples(StringBuilder html, ReportContent content)
    {
        if (content.Examples.Count == 0)
            return;
        html.Append("<h2>Examples: validation images, not trained on</h2><div class=\"legend\">");
        foreach ((string name, string colour) in content.Legend)
            html.Append(CultureInfo.InvariantCulture, $"<span><i style=\"background:{Text(colour)}\"></i>{Text(name)}</span>");
        html.Append("</div>\n");
        foreach (ReportExample example in content.Examples)
        {
            html.Append("<div class=\"example\">");
            Figure(example.Image, $"{example.Name}: image");
            if (example.Truth is not null)
                Figure(example.Truth, "truth");
            Figure(example.Prediction, "prediction");
            html.Append("</div>\n");
        }

        void Figure(byte[] png, string caption) => html.Append(CultureInfo.InvariantCulture,
            $"<figure><img alt=\"{Text(caption)}\" "
                + $"src=\"data:image/png;base64,{Convert.ToBase64String(png)}\"><figcaption>{Text(caption)}</figcaption></figure>");
    }

    private static void AppendEvaluation(StringBuilder html, string split, Evaluation evaluation)
    {
        string images = evaluation.Images.Count == 1 ? "1 image" : $"{evaluation.Images.Count} images";
        html.Append(CultureInfo.InvariantCulture, $"<h2>Evaluation on {Text(split)} ({images})</h2><div class=\"columns\"><div>");
        html.Append("<table><tr><th>class</th><th class=\"n\">IoU</th><th class=\"n\">Dice</th></tr>");
        foreach (ClassScore score in evaluation.Classes)
            html.Append(CultureInfo.InvariantCulture,
                $"<tr><td>{Text(score.Name)}</td><td class=\"n\">{Score(score.IoU)}</td><td class=\"n\">{Score(score.Dice)}</td></tr>");
        html.Append(CultureInfo.InvariantCulture,
            $"<tr class=\"mean\"><td>mean</td><td class=\"n\">{Score(evaluation.MeanIoU)}</td><td "
                + $"class=\"n\">{Score(evaluation.MeanDice)}</td></tr></table>");
        if (evaluation.MeanNote.Length > 0)
            html.Append(CultureInfo.InvariantCulture, $"<p>{Text(evaluation.MeanNote)}</p>");
        html.Append(CultureInfo.InvariantCulture, $"<p class=\"faint\">pixel accuracy {Score(evaluation.PixelAccuracy)}</p></div>\n");
        AppendConfusion(html, evaluation);
        html.Append("</div>\n<details><summary>per image</summary><table><tr><th>image</th>");
        foreach (string name in evaluation.ClassNames)
            html.Append(CultureInfo.InvariantCulture, $"<th class=\"n\">{Text(name)}</th>");
        html.Append("<th class=\"n\">mean IoU</th></tr>");
        foreach (ImageScore image in evaluation.Images)
        {
            html.Append(CultureInfo.InvariantCulture, $"<tr><td>{Text(image.File)}</td>");
            foreach (ClassScore score in evaluation.Scores(image.Confusion))
                html.Append(CultureInfo.InvariantCulture, $"<td class=\"n\">{Score(score.IoU)}</td>");
            html.Append(CultureInfo.InvariantCulture, $"<td class=\"n\">{Score(image.Confusion.MeanIoU)}</td></tr>");
        }
        html.Append("</table></details>\n");
    }

    private static void AppendConfusion(StringBuilder html, Evaluation evaluation)
    {
        html.Append("<div class=\"scroll\"><table class=\"confusion\"><tr><th>truth (rows), prediction (columns)</th>");
        foreach (string name in evaluation.ClassNames)
            html.Append(CultureInfo.InvariantCulture, $"<th class=\"n\">{Text(name)}</th>");
        html.Append("</tr>");
        long[][] rows = evaluation.Confusion.ToRows();
        for (int row = 0; row < rows.Length; row++)
        {
            double total = Math.Max(1, rows[row].Sum());
            html.Append(CultureInfo.InvariantCulture, $"<tr><td>{Text(evaluation.ClassNames[row])}</td>");
            foreach (long count in rows[row])
                html.Append(CultureInfo.InvariantCulture,
                    $"<td class=\"n\" style=\"background:rgba(var(--heat),{count / total * 0.45:F3})\">{100 * count / total:F1} %</td>");
            html.Append("</tr>");
        }
        html.Append("</table><p class=\"faint\">share of the pixels of each true class</p></div>");
    }

    private static void AppendFacts(StringBuilder html, ReportContent content)
    {
        html.Append("<h2>Run</h2><div class=\"flow\">\n");
        foreach ((string section, IReadOnlyList<(string Name, string Value)> facts) in content.Sections)
        {
            html.Append(CultureInfo.InvariantCulture, $"<div><h3>{Text(section)}</h3><table class=\"facts\">");
            foreach ((string name, string value) in facts)
                html.Append(CultureInfo.InvariantCulture, $"<tr><td>{Text(name)}</td><td>{Text(value)}</td></tr>");
            html.Append("</table></div>\n");
        }
        html.Append("</div>\n");
        if (content.Configuration.Length > 0)
            html.Append(CultureInfo.InvariantCulture,
                $"<details><summary>the whole configuration (config.yaml)</summary><pre>{HtmlText.Lines(content.Configuration)}</pre></details>\n");
    }

    private static string Score(double? value) => value?.ToString("F3", CultureInfo.InvariantCulture) ?? "absent";

    private static string Text(string text) => HtmlText.Of(text);
}
