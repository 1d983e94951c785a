namespace CsUnet.Lab;

/// <summary>A row of the emulated device's profile: the cost of one kind of access on one source line.</summary>
/// <param name="Kernel">The kernel's name.</param>
/// <param name="Line">The source line, <c>activation.cu:31</c>; empty for the total of a kernel.</param>
/// <param name="Memory"><c>global</c>, <c>shared</c>, or <c>matrix</c> for matrix instructions.</param>
/// <param name="Direction"><c>read</c>, <c>write</c> or <c>mma</c>; empty for a total.</param>
/// <param name="Size">Bytes of one thread's access.</param>
/// <param name="Requests">Executions by a warp.</param>
/// <param name="Bytes">Bytes of all threads.</param>
/// <param name="Actual">Sectors of 32 bytes of global memory, or wavefronts of shared memory.</param>
/// <param name="Ideal">The count with coalesced accesses and without bank conflicts.</param>
public sealed record KernelCost(
    string Kernel, string Line, string Memory, string Direction, int Size, long Requests, long Bytes, long Actual, long Ideal)
{
    /// <summary>Actual over ideal; 1 without accesses.</summary>
    public double Ratio => Ideal == 0 ? 1 : (double)Actual / Ideal;
}
