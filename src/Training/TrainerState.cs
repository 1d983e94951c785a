using System.Globalization;
using CsUnet.Nn;
using CsUnet.Tensors;

namespace CsUnet.Training;

/// <summary>
/// The state of a run at the end of a step, without weights and optimiser state. Together they determine the next step. It contains no
/// times, so equal runs write equal files.
/// </summary>
/// <param name="Step">Steps completed.</param>
/// <param name="ValidatedStep">The last step that was validated.</param>
/// <param name="History">The validations so far.</param>
/// <param name="Loss">Loss of the last step; needed to write its row of metrics.csv again after an interrupted validation.</param>
/// <param name="LearningRate">Learning rate of the last step.</param>
internal sealed record TrainerState(int Step, int ValidatedStep, ValidationHistory History, double Loss, double LearningRate)
{
    public static TrainerState Initial { get; } = new(0, 0, new ValidationHistory(), double.NaN, 0);

    public IReadOnlyDictionary<string, string> ToMetadata()
    {
        CultureInfo c = CultureInfo.InvariantCulture;
        return new Dictionary<string, string>
        {
            ["program"] = CheckpointHeader.ThisProgram,
            ["step"] = Step.ToString(c),
            ["validated_step"] = ValidatedStep.ToString(c),
            ["best_mean_iou"] = History.Best?.ToString("R", c) ?? "",
            ["best_step"] = History.BestStep.ToString(c),
            ["validations_since_best"] = History.SinceBest.ToString(c),
            ["validations_since_reduction"] = History.SinceReduction.ToString(c),
            ["reductions"] = History.Reductions.ToString(c),
            ["loss"] = Loss.ToString("R", c),
            ["learning_rate"] = LearningRate.ToString("R", c),
        };
    }

    public static TrainerState Of(SafetensorsFile file)
    {
        string Entry(string key) => file.Metadata.TryGetValue(key, out string? value)
            ? value
            : throw new WeightFileException(file.Path, $"its metadata has no '{key}'",
                "it is no optimiser state of a training run; start a new run");
        int Integer(string key, int most = int.MaxValue) =>
            int.TryParse(Entry(key), NumberStyles.None, CultureInfo.InvariantCulture, out int value) && value <= most
                ? value
                : throw Wrong(key, $"a whole number from 0 to {most}");
        double Number(string key, double most) =>
            double.TryParse(Entry(key), NumberStyles.Float, CultureInfo.InvariantCulture, out double value) && !(value < 0 || value > most)
                ? value
                : throw Wrong(key, FormattableString.Invariant($"a number from 0 to {most}"));
        WeightFileException Wrong(string key, string expected) => new(
            file.Path, $"its metadata is not understood: {key} is '{PlainText.Short(Entry(key), 80)}', expected {expected}",
            "the file is damaged; restore the run from a copy, or start a new one");
        int step = Integer("step");
        double? best = Entry("best_mean_iou").Length == 0 ? null : Number("best_mean_iou", 1);
        if (best is double.NaN)
            throw Wrong("best_mean_iou", "a number from 0 to 1");
        // None of these counts can be larger than the number of steps. The loss is no number before the first step.
        var history = new ValidationHistory(best, Integer("best_step", step), Integer("validations_since_best", step),
            Integer("validations_since_reduction", step), Integer("reductions", step));
        return new TrainerState(
            step, Integer("validated_step", step), history, Number("loss", double.MaxValue), Number("learning_rate", 1000));
    }
}
