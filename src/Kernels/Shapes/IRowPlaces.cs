namespace CsUnet.Kernels.Shapes;

/// <summary>
/// The positions of rows of C channels in the input of a normalisation. Each row consists of <see cref="Runs"/> runs of C / Runs channels.
/// </summary>
internal interface IRowPlaces
{
    /// <summary>The number of runs per row.</summary>
    int Runs { get; }

    /// <summary>The index of the first element of a run.</summary>
    long Start(long row, int run);

    /// <summary>The same for kernels/layer_norm.cu: the number of its layout, W and s.</summary>
    (int Layout, int Width, int Scale) Cuda { get; }
}
