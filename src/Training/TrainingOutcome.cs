namespace CsUnet.Training;

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
