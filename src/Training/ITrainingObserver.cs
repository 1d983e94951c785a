namespace CsUnet.Training;

/// <summary>
/// Receives what happens during <see cref="Trainer.Run"/>, on the training thread, in order. Every method may stay empty.
/// </summary>
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
