using System.Text.Json;
using CsUnet.Tensors;

namespace CsUnet.Lab;

/// <summary>The public figures of a GPU that a projection needs; gpus.json names their sources.</summary>
/// <param name="Name">Its short name.</param>
/// <param name="Title">Its full name.</param>
/// <param name="Architecture">Compute capability as in sm_90: 90.</param>
/// <param name="Multiprocessors">Streaming multiprocessors.</param>
/// <param name="ClockGHz">Boost clock.</param>
/// <param name="MemoryTBs">Bandwidth of its memory, in TB/s.</param>
/// <param name="MemoryShare">The fraction of that bandwidth that a plain copy reaches.</param>
/// <param name="Float32TFlops">Peak of fused multiply-adds outside the matrix units.</param>
/// <param name="Tf32TFlops">Dense peak of the matrix units in tf32.</param>
/// <param name="Bf16TFlops">Dense peak of the matrix units in bf16 with float32 accumulation.</param>
/// <param name="MatrixShare">The fraction of that peak that mma.sync can reach.</param>
/// <param name="Registers">Registers per multiprocessor.</param>
/// <param name="SharedKiB">Shared memory per multiprocessor.</param>
/// <param name="SharedPerBlockKiB">Maximum shared memory per block.</param>
/// <param name="Warps">Maximum resident warps per multiprocessor.</param>
/// <param name="Blocks">Maximum resident blocks per multiprocessor.</param>
/// <param name="LaunchMicroseconds">Launch overhead: the shortest time of a kernel in a CUDA graph.</param>
/// <param name="Source">The source of the figures.</param>
public sealed record Gpu(
    string Name, string Title, int Architecture, int Multiprocessors, double ClockGHz, double MemoryTBs, double MemoryShare,
    double Float32TFlops, double Tf32TFlops, double Bf16TFlops, double MatrixShare, int Registers, int SharedKiB, int SharedPerBlockKiB,
    int Warps, int Blocks, double LaunchMicroseconds, string Source)
{
    /// <summary>All GPUs of the table.</summary>
    public static IReadOnlyList<Gpu> All { get; } = Read();

    /// <summary>A GPU by name.</summary>
    /// <exception cref="InvalidValueException">The name is unknown; the message lists the known names.</exception>
    public static Gpu Named(string name) => All.FirstOrDefault(gpu => gpu.Name == name)
        ?? throw new InvalidValueException(nameof(name),
            $"GPU '{name}' is not in the table; known are {string.Join(", ", All.Select(gpu => gpu.Name))}");

    /// <summary>The bandwidth of a copy in bytes per second.</summary>
    public double BytesPerSecond => MemoryTBs * MemoryShare * 1e12;

    /// <summary>FLOP/s that mma.sync can reach.</summary>
    /// <param name="bf16">True for bf16 operands, false for tf32.</param>
    public double MatrixFlops(bool bf16) => (bf16 ? Bf16TFlops : Tf32TFlops) * MatrixShare * 1e12;

    /// <summary>Occupancy: the number of blocks of a kernel that can be resident on a multiprocessor; 0 if none fits.</summary>
    /// <param name="threads">Threads per block.</param>
    /// <param name="registers">Registers per thread.</param>
    /// <param name="sharedBytes">Shared memory per block, static and dynamic.</param>
    public int BlocksPerMultiprocessor(int threads, int registers, int sharedBytes)
    {
        if (sharedBytes > SharedPerBlockKiB * 1024)
            return 0;
        // Registers are allocated to warps in units of 256. CUDA reserves 1 KiB of shared memory per block.
        int warps = (threads + 31) / 32, perWarp = (registers * 32 + 255) / 256 * 256;
        int byRegisters = perWarp == 0 ? Blocks : Registers / perWarp / warps, byShared = SharedKiB * 1024 / (sharedBytes + 1024);
        return Math.Min(Math.Min(Blocks, Warps / warps), Math.Min(byRegisters, byShared));
    }

    private static IReadOnlyList<Gpu> Read()
    {
        using Stream stream = typeof(Gpu).Assembly.GetManifestResourceStream("gpus.json")!;
        return JsonSerializer.Deserialize(stream, LabJson.Default.ListGpu)!;
    }
}
