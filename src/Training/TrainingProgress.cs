namespace CsUnet.Training;

/// <summary>What one training step did.</summary>
/// <param name="Step">Steps done, this one included: the first step is 1.</param>
/// <param name="Steps">Steps of the whole run.</param>
/// <param name="Epoch">The epoch that the step belongs to, from 1.</param>
/// <param name="Epochs">Epochs of the whole run.</param>
/// <param name="Loss">The loss of the step's batch.</param>
/// <param name="LearningRate">The learning rate that the step used.</param>
/// <param name="GradientNorm">The L2 norm of all gradients, before clipping.</param>
/// <param name="MeanIoU">Mean IoU of the step's batch under the network in training mode.</param>
/// <param name="Images">Images of the step's batch.</param>
/// <param name="ImagesPerSecond">Training speed, averaged over the last steps; validation does not count.</param>
/// <param name="Remaining">Estimated time until the last step, validations included.</param>
public sealed record StepReport(
    int Step, int Steps, int Epoch, int Epochs, double Loss, double LearningRate, double GradientNorm, double MeanIoU, int Images,
    double ImagesPerSecond, TimeSpan Remaining);

/// <summary>What a validation found.</summary>
/// <param name="Step">Steps done before it.</param>
/// <param name="Loss">The loss over all validation pixels, from the blended probabilities.</param>
/// <param name="Evaluation">The metrics.</param>
/// <param name="IsBest">Whether its mean IoU is the best so far.</param>
/// <param name="Elapsed">How long it took.</param>
public sealed record ValidationReport(int Step, double Loss, Evaluation Evaluation, bool IsBest, TimeSpan Elapsed)
{
    /// <summary>Mean IoU over the validation images.</summary>
    public double MeanIoU => Evaluation.MeanIoU;
}

/// <summary>Receives what happens during <see cref="Trainer.Run"/>, on the training thread, in order. Every method may stay empty.</summary>
public interface ITrainingObserver
{
    /// <summary>A step is done.</summary>
    void OnStep(StepReport report) { }

    /// <summary>A validation begins.</summary>
    /// <param name="step">Steps done so far.</param>
    void OnValidationStarted(int step) { }

    /// <summary>A validation is done.</summary>
    void OnValidation(ValidationReport report) { }

    /// <summary>A checkpoint was written and is safe on disk.</summary>
    /// <param name="step">Steps done so far.</param>
    /// <param name="path">The weight file.</param>
    void OnCheckpoint(int step, string path) { }
}

/// <summary>Why a run ended.</summary>
public enum TrainingOutcome
{
    /// <summary>All steps are done.</summary>
    Completed,

    /// <summary>Validation did not improve for the number of validations that <see cref="TrainingOptions.Patience"/> allows.</summary>
    StoppedEarly,

    /// <summary>The cancellation token was set; the run can be resumed.</summary>
    Cancelled,
}

/// <summary>The end of a run.</summary>
/// <param name="Outcome">Why it ended.</param>
/// <param name="Step">Steps done in all.</param>
/// <param name="Loss">The last step's loss; not a number if no step was done.</param>
/// <param name="BestMeanIoU">The best validation mean IoU, or null if there was no validation.</param>
/// <param name="BestStep">The step of the best validation; 0 if there was none.</param>
/// <param name="Elapsed">How long this call took.</param>
/// <param name="PeakBytes">The most memory that the steps' arena used at once.</param>
public sealed record TrainingResult(
    TrainingOutcome Outcome, int Step, double Loss, double? BestMeanIoU, int BestStep, TimeSpan Elapsed, long PeakBytes);

/// <summary>A run that cannot start or go on: the message names the file, step or option, what was expected, and the remedy.</summary>
public sealed class RunException : Exception
{
    /// <summary>An error with its message.</summary>
    public RunException(string message) : base(message)
    {
    }

    /// <summary>An error with its message and cause.</summary>
    public RunException(string message, Exception cause) : base(message, cause)
    {
    }
}
