using System.Globalization;
using System.Text.RegularExpressions;
using CsUnet.Data;
using CsUnet.Tensors;

namespace CsUnet.Training;

/// <summary>
/// The config.yaml of a run: its options between a first and a last line that name the run. The last line counts the options, so a file
/// that lost some is not completed with defaults.
/// </summary>
/// <param name="Options">The options.</param>
/// <param name="Run">The run's identity (<see cref="RunIdentity"/>); null for a run of an older version.</param>
/// <param name="CnnWeights">The hash of the file of pretrained weights with which the run began; null if it began without.</param>
internal sealed partial record RunConfiguration(TrainingOptions Options, string? Run, string? CnnWeights)
{
    private const string Damaged = "restore the file from a copy; the report of the run shows the whole configuration";

    // Older versions marked nothing. All of them wrote these keys, and the augmentation last.
    private static readonly string[] s_always = ["model", "batch", "steps", "seed", "augmentation"];

    /// <summary>Reads the configuration of a run.</summary>
    /// <exception cref="RunException">The file is missing, cut short or invalid.</exception>
    public static RunConfiguration Load(RunFolder folder)
    {
        string path = folder.ConfigPath, text = ReadText(path);
        string? run = ReadMarks(text, path);
        TrainingOptions options = TrainingOptions.Parse(text, path);
        if (run is null)
            RequireAlways(text, path);
        string? weights = HashLine().Match(text) is { Success: true } match ? match.Groups["hash"].Value : null;
        if (run is not null && options.CnnWeights is not null && weights is null)
            throw new RunException("its second line is missing", "'# Content of cnn_weights: SHA-256 ...'", path, Damaged);
        return new RunConfiguration(options, run, weights);
    }

    /// <summary>The run that the first and the last line name; null for a text without these lines.</summary>
    /// <exception cref="RunException">One of the lines is missing, or an option between them.</exception>
    public static string? ReadMarks(string text, string path)
    {
        string[] lines = text.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        Match first = FirstLine().Match(lines.FirstOrDefault("")), last = LastLine().Match(lines.LastOrDefault(""));
        if (!first.Success && !last.Success)
            return null;
        string run = first.Groups["run"].Value;
        if (!first.Success || !last.Success || last.Groups["run"].Value != run)
            throw new RunException($"its {(first.Success ? "end" : "beginning")} is missing", Expected(run), path, Damaged);
        int expected = int.Parse(last.Groups["count"].Value, CultureInfo.InvariantCulture), count = Keys(text, path).Count;
        return count >= expected
            ? run
            : throw new RunException($"holds {ProblemText.Count(count, "option")}", $"the {expected} that its last line counts", path,
                Damaged);
    }

    /// <summary>Writes the configuration of a run, completely or not at all.</summary>
    /// <exception cref="RunException">The file cannot be written.</exception>
    public void Save(RunFolder folder)
    {
        if (Run is null)
        {
            Options.Save(folder.ConfigPath);
            return;
        }
        string yaml = Options.ReadableYaml(folder.ConfigPath);
        string weights = CnnWeights is null ? "" : $"# Content of cnn_weights: SHA-256 {CnnWeights}\n";
        RunFiles.WriteText(folder.ConfigPath, string.Create(CultureInfo.InvariantCulture,
            $"# Run {Run}\n{weights}{yaml}# End of run {Run}: {Keys(yaml, folder.ConfigPath).Count} options\n"));
    }

    /// <summary>The text of a configuration.</summary>
    /// <exception cref="RunException">The file cannot be read.</exception>
    public static string ReadText(string path) =>
        RunFiles.Read(path, "no configuration", File.Exists(path) ? null : "give the folder of a run", () => ReadFile.Text(path));

    private static string Expected(string run) => run.Length == 0
        ? "a first line '# Run ...'"
        : $"a last line '# End of run {run}: ...'";

    private static IReadOnlyList<string> Keys(string text, string path) => [.. Section(text, path).Keys];

    private static YamlSection Section(string text, string path)
    {
        try
        {
            return YamlSection.Parse(text, path, mayBeEmpty: true);
        }
        catch (DataException failure)
        {
            throw new RunException(failure.Problem, failure.Expected, failure.Path, failure.Remedy, failure);
        }
    }

    private static void RequireAlways(string text, string path)
    {
        YamlSection section = Section(text, path);
        string? missing = s_always.FirstOrDefault(key => !section.Has(key));
        if (missing is null && section.IsSection("augmentation") && !section.Section("augmentation").Has("pixels"))
            missing = "pixels";
        if (missing is not null)
            throw new RunException($"the key '{missing}' is missing", "every option, as a training writes them", path, Damaged);
    }

    [GeneratedRegex("^# Run (?<run>[0-9a-f]{32})$")]
    private static partial Regex FirstLine();

    [GeneratedRegex(@"\A[^\n]*\n# Content of cnn_weights: SHA-256 (?<hash>[0-9a-f]{64})\r?\n")]
    private static partial Regex HashLine();

    [GeneratedRegex("^# End of run (?<run>[0-9a-f]{32}): (?<count>[0-9]{1,6}) options$")]
    private static partial Regex LastLine();
}
