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
        int Integer(string key) => int.Parse(Entry(key), NumberStyles.None, CultureInfo.InvariantCulture);
        double Number(string key) => double.Parse(Entry(key), NumberStyles.Float, CultureInfo.InvariantCulture);
        try
        {
            double? best = Entry("best_mean_iou").Length == 0 ? null : Number("best_mean_iou");
            var history = new ValidationHistory(
                best, Integer("best_step"), Integer("validations_since_best"), Integer("validations_since_reduction"),
                Integer("reductions"));
            return new TrainerState(Integer("step"), Integer("validated_step"), history, Number("loss"), Number("learning_rate"));
        }
        catch (Exception failure) when (failure is FormatException or OverflowException)
        {
            throw new WeightFileException(file.Path, $"its metadata is not understood ({failure.Message})", "start a new run", failure);
        }
    }
}
