namespace CsUnet.Lab;

/// <summary>
/// Projects launches to a GPU: the largest of the times of memory, load-store units, matrix units, multiply-adds and launch
/// overhead. This is a lower bound, not a measurement: caches, latencies and scheduling add to it.
/// </summary>
/// <remarks>
/// Memory: each tensor of the launch crosses the bus once, or only the touched sectors if they are less. Load-store units: a multiprocessor
/// handles one wavefront of shared memory, or four sectors, per clock. A multiprocessor without a block is idle: a grid of
/// B blocks on M multiprocessors uses B / (M ceil(B / M)) of them.
/// </remarks>
public static class Projection
{
    /// <summary>Floating-point operations of one mma.sync: m16n8k8 in tf32, m16n8k16 in bf16.</summary>
    private const double Tf32Flops = 2 * 16 * 8 * 8, Bf16Flops = 2 * 16 * 8 * 16;

    /// <summary>Projects one launch.</summary>
    /// <param name="launch">The counted launch.</param>
    /// <param name="gpu">The GPU.</param>
    /// <param name="resources">Registers and shared memory of its kernel.</param>
    public static ProjectedLaunch Of(CountedLaunch launch, Gpu gpu, KernelResources resources)
    {
        KernelUsage? usage = resources.Of(launch.Launch.File, launch.Launch.Kernel);
        int threads = launch.Launch.Threads;
        int resident = gpu.BlocksPerMultiprocessor(threads, usage?.Registers ?? 32,
            (usage?.SharedBytes ?? 0) + launch.Launch.DynamicShared);
        double busy = Busy(launch.Launch.Blocks, gpu.Multiprocessors), clocks = gpu.Multiprocessors * busy * gpu.ClockGHz * 1e9;
        bool bf16 = launch.Launch.Kernel.EndsWith("bf16", StringComparison.Ordinal);
        double memory = Math.Min(launch.Launch.TensorBytes, 32 * launch.Sectors) / gpu.BytesPerSecond;
        double loadStore = (launch.Wavefronts + launch.Sectors / 4) / clocks;
        double matrix = launch.MatrixInstructions * (bf16 ? Bf16Flops : Tf32Flops) / gpu.MatrixFlops(bf16);
        double arithmetic = launch.Flops / (gpu.Float32TFlops * 1e12), start = gpu.LaunchMicroseconds * 1e-6;
        (double seconds, Bound bound) = new[]
        {
            (memory, Bound.Memory), (loadStore, Bound.LoadStore), (matrix / busy, Bound.Matrix), (arithmetic / busy, Bound.Arithmetic),
                (start, Bound.Launch),
        }.MaxBy(entry => entry.Item1);
        return new ProjectedLaunch(
            launch, usage, resident, Math.Min(1.0, (double)resident * ((threads + 31) / 32) / gpu.Warps), seconds, bound, memory,
            Math.Max(matrix, arithmetic));
    }

    private static double Busy(long blocks, int multiprocessors) =>
        blocks / ((double)multiprocessors * ((blocks + multiprocessors - 1) / multiprocessors));
}
