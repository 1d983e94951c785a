namespace CsUnet.Cuda.Dnn;

/// <summary>
/// The status that every cuDNN call returns. Failures have other numbers in cuDNN 9 than in 8: messages hold cuDNN's own text.
/// </summary>
public enum cudnnStatus
{
    /// <summary>The call succeeded.</summary>
    Success = 0,
}
