using System.Text;
using CsUnet.Cli;
using CsUnet.Training;

namespace CsUnet.Tests.Cli;

/// <summary>docs/options.md: the table of options for people.</summary>
internal static class OptionsPage
{
    /// <summary>Set to 1, the test writes the page instead of refusing an old one.</summary>
    public const string WriteVariable = "CSUNET_WRITE_DOCS";

    public static string Path { get; } = System.IO.Path.GetFullPath(System.IO.Path.Combine(TestFiles.Golden, "../../../docs/options.md"));

    public static string Text()
    {
        var text = new StringBuilder("""
            # Options of a run

            A run's options stand in its `config.yaml` by their keys. On the command line the option of `learning_rate` is
            `--learning-rate`, and it wins over the file. A resumed run keeps the options marked *kept*: its weights depend on them from the
            first step on.

            The table is generated from `src/Training/TrainingOptionTable.cs`. After a change there, write it again with
            `CSUNET_WRITE_DOCS=1 tests/bin/Release/net10.0/CsUnet.Tests -class "*OptionTableTests"`.

            """);
        foreach ((string name, IReadOnlyList<TrainingOption> options) in TrainingOptionTable.Groups)
        {
            text.Append($"\n## {name}\n\n| Key | Value | Meaning | Default | Resumed |\n|---|---|---|---|---|\n");
            foreach (TrainingOption option in options)
            {
                string aliases = string.Concat(option.Aliases.Select(alias => $", `{TrainingArguments.Name(alias)}`"));
                text.Append($"| `{option.Key}`{aliases} | {Escape(option.ValueName)} | {Escape(option.Meaning)} | {Escape(option.Default)} "
                    + $"| {(option.IsFixed ? "kept" : "")} |\n");
            }
        }
        return text.ToString();
    }

    private static string Escape(string text) => text.Replace("|", "\\|").Replace("*", "\\*");
}
