namespace CsUnet.Data.Formats;

/// <summary>Whether a file has an alpha channel, and how its colours relate to it.</summary>
internal enum AlphaKind
{
    /// <summary>No transparency.</summary>
    None,

    /// <summary>The colours are multiplied by alpha already.</summary>
    Associated,

    /// <summary>The colours are independent of alpha.</summary>
    Unassociated,
}
