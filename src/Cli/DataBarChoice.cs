using System.CommandLine;
using System.Globalization;
using CsUnet.Data;

namespace CsUnet.Cli;

/// <summary>Which rows at the bottom of an image are the microscope's data bar, as <c>--data-bar</c> says.</summary>
/// <param name="IsSought">Whether the bar is searched in each image.</param>
/// <param name="Rows">Rows of the bar if it is not searched; 0: none.</param>
internal sealed record DataBarChoice(bool IsSought, int Rows)
{
    private const string Name = "--data-bar", Auto = "auto", None = "none";

    /// <summary>Creates the option.</summary>
    public static Option<DataBarChoice?> CreateOption() => new(Name)
    {
        HelpName = "auto|N|none",
        Description = "Leaves the microscope's data bar out of labels and fractions: auto searches it at the bottom edge of each image, N "
            + "takes the last N rows of all. Default: none, with a note where a bar seems to be.",
        CustomParser = result =>
        {
            string text = result.Tokens[0].Value;
            switch (text)
            {
                case Auto:
                    return new DataBarChoice(true, 0);
                case None:
                    return new DataBarChoice(false, 0);
            }
            if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int rows) && rows > 0)
                return new DataBarChoice(false, rows);
            result.AddError($"{Name} {text}: expected {Auto}, {None}, or a number of rows from 1 up");
            return null;
        },
    };

    /// <summary>The rows of an image's bar, and what to tell about them; an empty text: nothing.</summary>
    /// <param name="choice">The user's choice; null: none was made.</param>
    /// <param name="image">The image.</param>
    /// <param name="file">Its file, for errors.</param>
    /// <exception cref="DataException">The bar has all rows of the image.</exception>
    public static (int Rows, string Text) In(DataBarChoice? choice, Image image, string file)
    {
        if (choice is { IsSought: false, Rows: 0 })
            return (0, "");
        int rows = choice is { IsSought: false } ? choice.Rows : DataBar.Find(image);
        if (rows >= image.Height)
            throw new DataException(file, $"the image has {image.Height} rows", $"more than the {rows} rows of the data bar",
                $"give fewer rows to {Name}");
        if (choice is null)
        {
            return (0, rows == 0 ? "" : $" (the last {rows} rows seem to be a data bar, and were labelled: {Name} {Auto} leaves it out)");
        }
        return (rows, rows == 0 ? " (no data bar found)" : $" (data bar left out: the last {rows} of {image.Height} rows)");
    }
}
