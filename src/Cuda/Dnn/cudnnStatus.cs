namespace CsUnet.Cuda.Dnn;

/// <summary>
/// The status that every cuDNN call returns. The numbers of failures differ between cuDNN 8 and 9, so messages contain cuDNN's own text.
/// </summary>
public enum cudnnStatus
{
    /// <summary>The call succeeded.</summary>
    Success = 0,
}
