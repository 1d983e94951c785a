using CsUnet.Cuda.NVRTC;

namespace CsUnet.Cuda;

/// <summary>The compilation target: machine code of one architecture, or PTX that the driver compiles.</summary>
/// <param name="Number">The compute capability as in <c>sm_90</c>: 90.</param>
/// <param name="IsPtx">PTX instead of machine code.</param>
public readonly record struct KernelArchitecture(int Number, bool IsPtx = false)
{
    /// <summary>The oldest architecture that the kernels support.</summary>
    public const int Minimum = 80;

    /// <summary>The compiler option.</summary>
    public string Option => $"--gpu-architecture={(IsPtx ? "compute" : "sm")}_{Number}";

    /// <summary>Chooses the compilation target for a device.</summary>
    /// <param name="device">The device's compute capability, as in <c>sm_90</c>: 90.</param>
    /// <param name="supported">The targets that NVRTC supports: <see cref="CudaRuntimeCompiler.GetSupportedArchs"/>.</param>
    /// <returns>
    /// The device's own architecture. If NVRTC is too old for it: machine code of the newest one with the same major number, which the
    /// device also runs; else PTX of the newest one that NVRTC supports, which the driver compiles.
    /// </returns>
    /// <exception cref="CudaException">The device is older than <see cref="Minimum"/>, or NVRTC supports only newer ones.</exception>
    public static KernelArchitecture Choose(int device, ReadOnlySpan<int> supported)
    {
        if (device < Minimum)
        {
            throw new CudaException($"The GPU has compute capability {device / 10}.{device % 10}; the kernels need " +
                $"{Minimum / 10}.{Minimum % 10} (Ampere) or newer.");
        }
        int best = 0;
        foreach (int candidate in supported)
            if (candidate <= device && candidate >= Minimum && candidate > best)
                best = candidate;
        if (best == 0)
        {
            throw new CudaException($"This NVRTC compiles for " +
                $"{string.Join(", ", supported.ToArray().Select(number => $"sm_{number}"))}, not for sm_{device} or an older " +
                $"architecture from sm_{Minimum} on: install another NVRTC (11.8 to 13), or name it in CSUNET_NVRTC_LIBRARY.");
        }
        return new KernelArchitecture(best, IsPtx: best / 10 != device / 10);
    }

    /// <inheritdoc/>
    public override string ToString() => $"{(IsPtx ? "compute" : "sm")}_{Number}";
}
