namespace CsUnet.Training;

/// <summary>Receives the events of <see cref="Trainer.Run"/>, in order and on the training thread. Every method is optional.</summary>
public interface ITrainingObserver
{
    /// <summary>A step has finished.</summary>
    void OnStep(StepReport report) { }

    /// <summary>A validation starts.</summary>
    /// <param name="step">Steps completed so far.</param>
    void OnValidationStarted(int step) { }

    /// <summary>A validation has finished.</summary>
    void OnValidation(ValidationReport report) { }

    /// <summary>A checkpoint has been written and is safely on disk.</summary>
    /// <param name="step">Steps completed so far.</param>
    /// <param name="path">The weight file.</param>
    void OnCheckpoint(int step, string path) { }

    /// <summary>Something is not as it should be, but the training goes on.</summary>
    /// <param name="message">What, in one line.</param>
    void OnWarning(string message) { }
}
