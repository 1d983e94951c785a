using CsUnet.Training;

namespace CsUnet.Cli.Report;

/// <summary>Everything the report of a run shows; made from the files of its folder.</summary>
internal sealed record ReportContent
{
    public required string Title { get; init; }

    /// <summary>One sentence below the title.</summary>
    public required string Summary { get; init; }

    /// <summary>The large numbers at the top: value and what it is.</summary>
    public IReadOnlyList<(string Value, string Name)> Headlines { get; init; } = [];

    /// <summary>Facts in two columns, in sections: the run, the model, the data, the machine.</summary>
    public IReadOnlyList<(string Section, IReadOnlyList<(string Name, string Value)> Facts)> Sections { get; init; } = [];

    public IReadOnlyList<LineChart> Charts { get; init; } = [];

    public IReadOnlyList<(string Split, Evaluation Scores)> Evaluations { get; init; } = [];

    public IReadOnlyList<ReportExample> Examples { get; init; } = [];

    /// <summary>Classes and their display colours, #rrggbb.</summary>
    public IReadOnlyList<(string Name, string Colour)> Legend { get; init; } = [];

    /// <summary>The configuration file, as it is.</summary>
    public string Configuration { get; init; } = "";

    /// <summary>Commands to run next, with what they do.</summary>
    public IReadOnlyList<(string Command, string Purpose)> Next { get; init; } = [];
}
