using CsUnet.Kernels.Cuda;

namespace CsUnet.Lab;

/// <summary>One launch, counted on the emulator.</summary>
/// <param name="Launch">Kernel, grid and tensors.</param>
/// <param name="Sectors">32-byte sectors of global memory that its requests touch.</param>
/// <param name="IdealSectors">Sectors if every request were coalesced.</param>
/// <param name="Wavefronts">Wavefronts of shared memory: passes over the banks.</param>
/// <param name="IdealWavefronts">Wavefronts without bank conflicts.</param>
/// <param name="MatrixInstructions">mma.sync instructions.</param>
/// <param name="Flops">Floating-point operations of its matrix product, convolution or attention outside the matrix units.</param>
/// <param name="Operator">The operator's name, with a suffix in its backward pass.</param>
public sealed record CountedLaunch(
    LaunchTrace.Entry Launch, double Sectors, double IdealSectors, double Wavefronts, double IdealWavefronts, double MatrixInstructions,
    double Flops, string Operator)
{
    /// <summary>Whether it belongs to a backward pass.</summary>
    public bool IsBackward => Operator.EndsWith(Backward, StringComparison.Ordinal);

    internal const string Backward = " backward";
}
