using System.Globalization;

namespace CsUnet.Lab;

/// <summary>What one kind of access of one source line cost: the rows of the emulated device's profile.</summary>
/// <param name="Kernel">The kernel's name.</param>
/// <param name="Line">The source line, <c>gelu.cu:31</c>; empty for the total of a kernel.</param>
/// <param name="Memory"><c>global</c>, <c>shared</c>, or <c>matrix</c> for matrix instructions.</param>
/// <param name="Direction"><c>read</c>, <c>write</c> or <c>mma</c>; empty for a total.</param>
/// <param name="Size">Bytes of one thread's access.</param>
/// <param name="Requests">Executions by a warp.</param>
/// <param name="Bytes">Bytes of all threads.</param>
/// <param name="Actual">Sectors of 32 bytes of global memory, or wavefronts of shared memory.</param>
/// <param name="Ideal">What they would be with neighbouring threads on neighbouring addresses, and without bank conflicts.</param>
public sealed record KernelCost(
    string Kernel, string Line, string Memory, string Direction, int Size, long Requests, long Bytes, long Actual, long Ideal)
{
    /// <summary>Actual over ideal; 1 where nothing was accessed.</summary>
    public double Ratio => Ideal == 0 ? 1 : (double)Actual / Ideal;
}
