namespace CsUnet.Kernels.Cpu;

/// <summary>Where the rows of a product are written.</summary>
internal unsafe interface IProductTarget<T> where T : unmanaged
{
    /// <summary>The address of a row's first element.</summary>
    T* Row(int row);

    /// <summary>The distance from one row to the next if it is constant; 0 if every row needs a call of <see cref="Row"/>.</summary>
    nint Stride { get; }
}
