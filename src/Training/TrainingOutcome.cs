namespace CsUnet.Training;

/// <summary>Why a run ended.</summary>
public enum TrainingOutcome
{
    /// <summary>All steps were completed.</summary>
    Completed,

    /// <summary>Validation did not improve within <see cref="TrainingOptions.Patience"/> validations.</summary>
    StoppedEarly,

    /// <summary>The cancellation token was cancelled; the run can be resumed.</summary>
    Cancelled,
}
