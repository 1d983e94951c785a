using System.Globalization;
using System.Net;
using System.Text;
using CsUnet.Cli.Display;
using CsUnet.Data;

namespace CsUnet.Cli.Report;

/// <summary>The section of a report with the check of the data set.</summary>
internal static class DatasetSection
{
    /// <summary>Appends the section.</summary>
    public static void Append(StringBuilder html, DatasetTable table)
    {
        html.Append("<h2>Data</h2><div class=\"scroll\"><table><tr><th></th>");
        foreach (string split in table.Splits)
            html.Append(CultureInfo.InvariantCulture, $"<th class=\"n\">{Text(split)}</th>");
        html.Append("</tr>");
        foreach (DatasetTable.Row row in table.Rows)
        {
            html.Append(CultureInfo.InvariantCulture, $"<tr><td>{Text(row.Name)}</td>");
            foreach (string cell in row.Cells)
                html.Append(CultureInfo.InvariantCulture, $"<td class=\"n\">{Text(cell)}</td>");
            html.Append("</tr>");
        }
        html.Append("</table></div>\n");
        foreach (string warning in table.Warnings)
            html.Append(CultureInfo.InvariantCulture, $"<p>warning: {Text(warning)}</p>\n");
        if (table.Defaulted.Count == 0)
            return;
        html.Append(CultureInfo.InvariantCulture, $"<details><summary>{Text(DatasetDisplay.DefaultedTitle)}</summary>");
        html.Append("<table><tr><th>split</th><th>value</th><th class=\"n\">pixels</th><th class=\"n\">share</th><th>near</th></tr>");
        foreach (DatasetTable.DefaultedRow row in table.Defaulted)
        {
            html.Append(CultureInfo.InvariantCulture, $"<tr><td>{Text(row.Split)}</td><td>{Text(row.Value)}</td><td class=\"n\">"
                + $"{row.Pixels}</td><td class=\"n\">{Text(row.Share)}</td><td>{Text(row.Near)}</td></tr>");
        }
        html.Append("</table></details>\n");
    }

    private static string Text(string text) => HtmlText.Of(text);
}
