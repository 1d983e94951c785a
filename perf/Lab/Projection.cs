namespace CsUnet.Lab;

/// <summary>What limits a kernel.</summary>
public enum Bound
{
    /// <summary>Bytes that cross the memory bus.</summary>
    Memory,

    /// <summary>Sectors and shared-memory wavefronts that pass the load-store units.</summary>
    LoadStore,

    /// <summary>The matrix units.</summary>
    Matrix,

    /// <summary>Fused multiply-adds outside the matrix units.</summary>
    Arithmetic,

    /// <summary>The time that starting a kernel takes.</summary>
    Launch,
}

/// <summary>How limits are written.</summary>
public static class Bounds
{
    /// <summary>For example <c>load-store</c>.</summary>
    public static string Label(this Bound bound) => bound == Bound.LoadStore ? "load-store" : bound.ToString().ToLowerInvariant();
}

/// <summary>The least time that a launch takes on a GPU, and why.</summary>
/// <param name="Counts">What it does.</param>
/// <param name="Usage">Registers and shared memory; null if unknown.</param>
/// <param name="BlocksPerMultiprocessor">Blocks that a multiprocessor holds at once; 0 if a block does not fit.</param>
/// <param name="Occupancy">Share of the multiprocessors' warps that can be resident.</param>
/// <param name="Seconds">The least time.</param>
/// <param name="Bound">What limits it.</param>
/// <param name="MemorySeconds">The time of the memory bus alone.</param>
public sealed record ProjectedLaunch(
    CountedLaunch Counts, KernelUsage? Usage, int BlocksPerMultiprocessor, double Occupancy, double Seconds, Bound Bound, double MemorySeconds);

/// <summary>
/// Projects launches to a GPU: the largest of the times that memory, load-store units, matrix units, multiply-adds and the launch itself
/// need at the least. A lower bound, not a measurement: caches, latencies and scheduling come on top.
/// </summary>
/// <remarks>
/// Memory: each tensor of the launch crosses the bus once, or what its requests touch if that is less. Load-store units: a multiprocessor
/// passes one wavefront of shared memory, or four sectors, a clock. The units of a multiprocessor without a block stand still: a grid of
/// B blocks on M multiprocessors uses B / (M ceil(B / M)) of them.
/// </remarks>
public static class Projection
{
    /// <summary>Floating-point operations of one mma.sync: m16n8k8 in tf32, m16n8k16 in bf16.</summary>
    private const double Tf32Flops = 2 * 16 * 8 * 8, Bf16Flops = 2 * 16 * 8 * 16;

    /// <summary>Projects one launch.</summary>
    /// <param name="launch">What it does.</param>
    /// <param name="gpu">Where.</param>
    /// <param name="resources">Registers and shared memory of its kernel.</param>
    public static ProjectedLaunch Of(CountedLaunch launch, Gpu gpu, KernelResources resources)
    {
        KernelUsage? usage = resources.Of(launch.Launch.File, launch.Launch.Kernel);
        int threads = launch.Launch.Threads;
        int resident = gpu.BlocksPerMultiprocessor(threads, usage?.Registers ?? 32, (usage?.SharedBytes ?? 0) + launch.Launch.DynamicShared);
        double busy = Busy(launch.Launch.Blocks, gpu.Multiprocessors), clocks = gpu.Multiprocessors * busy * gpu.ClockGHz * 1e9;
        bool bf16 = launch.Launch.Kernel.EndsWith("bf16", StringComparison.Ordinal);
        double memory = Math.Min(launch.Launch.TensorBytes, 32 * launch.Sectors) / gpu.BytesPerSecond;
        double loadStore = (launch.Wavefronts + launch.Sectors / 4) / clocks;
        double matrix = launch.MatrixInstructions * (bf16 ? Bf16Flops : Tf32Flops) / (gpu.MatrixFlops(bf16) * busy);
        double arithmetic = launch.Flops / (gpu.Float32TFlops * 1e12 * busy), start = gpu.LaunchMicroseconds * 1e-6;
        (double seconds, Bound bound) = new[]
        {
            (memory, Bound.Memory), (loadStore, Bound.LoadStore), (matrix, Bound.Matrix), (arithmetic, Bound.Arithmetic), (start, Bound.Launch),
        }.MaxBy(entry => entry.Item1);
        return new ProjectedLaunch(
            launch, usage, resident, Math.Min(1.0, (double)resident * ((threads + 31) / 32) / gpu.Warps), seconds, bound, memory);
    }

    private static double Busy(long blocks, int multiprocessors) =>
        blocks / ((double)multiprocessors * ((blocks + multiprocessors - 1) / multiprocessors));
}
