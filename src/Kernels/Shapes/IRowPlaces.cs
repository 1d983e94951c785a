namespace CsUnet.Kernels.Shapes;

/// <summary>
/// Where rows of C channels lie in the tensor that a normalisation takes them from: each in <see cref="Runs"/> runs of C / Runs channels.
/// </summary>
internal interface IRowPlaces
{
    /// <summary>Runs of a row.</summary>
    int Runs { get; }

    /// <summary>The element with which a run begins.</summary>
    long Start(long row, int run);

    /// <summary>The same for kernels/layer_norm.cu: its layout's number, W and s.</summary>
    (int Layout, int Width, int Scale) Cuda { get; }
}
