using System.Numerics;

namespace CsUnet.Kernels.Cpu;

/// <summary>Where a product's rows go.</summary>
internal unsafe interface IProductTarget<T> where T : unmanaged
{
    /// <summary>Address of a row's first element.</summary>
    T* Row(int row);

    /// <summary>Distance of following rows if it is the same for all; 0 if every row has to be asked for.</summary>
    nint Stride { get; }
}
