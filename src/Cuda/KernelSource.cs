using System.Security.Cryptography;
using System.Text;

namespace CsUnet.Cuda;

/// <summary>What to compile for: machine code of one architecture, or PTX that the driver compiles further.</summary>
/// <param name="Number">The compute capability as in <c>sm_90</c>: 90.</param>
/// <param name="IsPtx">PTX instead of machine code.</param>
public readonly record struct KernelArchitecture(int Number, bool IsPtx = false)
{
    /// <summary>The oldest architecture that the kernels support.</summary>
    public const int Minimum = 80;

    /// <summary>The compiler option.</summary>
    public string Option => $"--gpu-architecture={(IsPtx ? "compute" : "sm")}_{Number}";

    /// <summary>What to compile for on a device.</summary>
    /// <param name="device">The device's compute capability, as in <c>sm_90</c>: 90.</param>
    /// <param name="supported">What NVRTC can compile for: <see cref="CudaRuntimeCompiler.GetSupportedArchs"/>.</param>
    /// <returns>
    /// The device's own architecture; if NVRTC is too old for it, machine code of the newest one with the same major number, which the
    /// device runs too; else PTX of the newest one that NVRTC knows, which the driver compiles.
    /// </returns>
    /// <exception cref="CudaException">The device is older than <see cref="Minimum"/>, or NVRTC compiles only for newer ones.</exception>
    public static KernelArchitecture Choose(int device, ReadOnlySpan<int> supported)
    {
        if (device < Minimum)
        {
            throw new CudaException($"The GPU has compute capability {device / 10}.{device % 10}; the kernels need " +
                $"{Minimum / 10}.{Minimum % 10} (Ampere) or newer. " +
                "Use --device cpu.");
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

/// <summary>A source to compile and everything that its machine code depends on, besides NVRTC and the architecture.</summary>
/// <param name="Name">The file name, for messages and <c>__FILE__</c>.</param>
/// <param name="Text">The source.</param>
public sealed record KernelSource(string Name, string Text)
{
    /// <summary>Headers: the name by which the source includes each, and its text.</summary>
    public IReadOnlyDictionary<string, string> Headers { get; init; } = new Dictionary<string, string>();

    /// <summary>Compiler options besides the architecture.</summary>
    public IReadOnlyList<string> Options { get; init; } = [];

    /// <summary>The kernels whose lowered names are wanted, as in <c>gemm&lt;64, 64&gt;</c>.</summary>
    public IReadOnlyList<string> NameExpressions { get; init; } = [];

    /// <summary>A hash of all that and of the compiler: equal keys mean equal machine code.</summary>
    /// <param name="compiler">Names the compiler and its version.</param>
    /// <param name="architecture">What to compile for.</param>
    internal byte[] Key(string compiler, KernelArchitecture architecture)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Append(compiler);
        Append(architecture.Option);
        Append(Name);
        Append(Text);
        AppendAll(Options);
        AppendAll(NameExpressions);
        // The order of a dictionary says nothing; the compiler sees the same program in any.
        AppendAll([.. Headers.OrderBy(header => header.Key, StringComparer.Ordinal).SelectMany(header => (string[])[header.Key,
            header.Value])]);
        return hash.GetHashAndReset();

        // Each text is preceded by its length, so that moving characters from one to the next changes the hash.
        void Append(string text)
        {
            byte[] bytes = Encoding.UTF8.GetBytes(text);
            hash.AppendData(BitConverter.GetBytes(bytes.Length));
            hash.AppendData(bytes);
        }

        void AppendAll(IReadOnlyList<string> texts)
        {
            hash.AppendData(BitConverter.GetBytes(texts.Count));
            foreach (string text in texts)
                Append(text);
        }
    }
}

/// <summary>Compiled kernels.</summary>
/// <param name="Image">The cubin or the PTX text, for <see cref="CudaModule"/>.</param>
/// <param name="LoweredNames">The name in the module of each of <see cref="KernelSource.NameExpressions"/>.</param>
/// <param name="Log">The compiler's log.</param>
/// <param name="FromCache">Whether it was read from disk instead of compiled.</param>
public sealed record CompiledKernels(byte[] Image, IReadOnlyDictionary<string, string> LoweredNames, string Log, bool FromCache);
