namespace CsUnet.Kernels.Shapes;

/// <summary>Rows one after the other in memory.</summary>
internal readonly struct RowsInOrder(int channels) : IRowPlaces
{
    public int Runs => 1;

    public long Start(long row, int run) => row * channels;

    public (int Layout, int Width, int Scale) Cuda => (0, 1, 1);
}
