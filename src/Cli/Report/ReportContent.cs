using CsUnet.Data;
using CsUnet.Training;

namespace CsUnet.Cli.Report;

/// <summary>The contents of a run's report, read from the files of its folder.</summary>
internal sealed record ReportContent
{
    public required string Title { get; init; }

    /// <summary>The sentence below the title.</summary>
    public required string Summary { get; init; }

    /// <summary>The large numbers at the top, with their names.</summary>
    public IReadOnlyList<(string Value, string Name)> Headlines { get; init; } = [];

    /// <summary>Facts in two columns, by section: the run, the model, the data, the machine.</summary>
    public IReadOnlyList<(string Section, IReadOnlyList<(string Name, string Value)> Facts)> Sections { get; init; } = [];

    public IReadOnlyList<LineChart> Charts { get; init; } = [];

    /// <summary>The evaluations; each has an origin.</summary>
    public IReadOnlyList<Evaluation> Evaluations { get; init; } = [];

    public IReadOnlyList<ReportExample> Examples { get; init; } = [];

    /// <summary>Classes and their display colours as #rrggbb.</summary>
    public IReadOnlyList<(string Name, string Colour)> Legend { get; init; } = [];

    /// <summary>The text of the configuration file.</summary>
    public string Configuration { get; init; } = "";

    /// <summary>The check of the data set; null if the run has none.</summary>
    public DatasetTable? Dataset { get; init; }

    /// <summary>Suggested next commands, with their purpose.</summary>
    public IReadOnlyList<(string Command, string Purpose)> Next { get; init; } = [];
}
