using CsUnet.Training;

namespace CsUnet.Tests.Support;

/// <summary>Records training events and calls back.</summary>
internal sealed class Recorder : ITrainingObserver
{
    public List<StepReport> Steps { get; } = [];

    public List<ValidationReport> Validations { get; } = [];

    public List<int> Checkpoints { get; } = [];

    public Action<StepReport>? AtStep { get; init; }

    public Action<int>? AtValidation { get; init; }

    public void OnStep(StepReport report)
    {
        Steps.Add(report);
        AtStep?.Invoke(report);
    }

    public void OnValidationStarted(int step) => AtValidation?.Invoke(step);

    public void OnValidation(ValidationReport report) => Validations.Add(report);

    public void OnCheckpoint(int step, string path) => Checkpoints.Add(step);
}
