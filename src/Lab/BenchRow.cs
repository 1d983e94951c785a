namespace CsUnet.Lab;

/// <summary>One measured row: a pass of an operator at a shape, by one variant.</summary>
/// <param name="Op">The operator.</param>
/// <param name="Shape">The shape as text.</param>
/// <param name="Pass">The pass.</param>
/// <param name="Variant">The variant and its parameters.</param>
/// <param name="Type">float32, tf32, bf16 or float64.</param>
/// <param name="Times">Its times.</param>
/// <param name="Bytes">Bytes from shapes.</param>
/// <param name="Flops">Floating-point operations of products, from shapes; 0 for operators without products.</param>
/// <param name="Launches">Kernels launched; empty on the CPU.</param>
/// <param name="Usage">Registers, shared memory and spills of the kernel with the most threads; null on the CPU.</param>
/// <param name="Occupancy">This kernel's occupancy: resident warps over the maximum; 0 on the CPU.</param>
/// <param name="Baseline">cuBLAS, cuDNN or the unfused composition; null if there is none.</param>
/// <param name="BaselineTimes">Its times, measured in the same run.</param>
public sealed record BenchRow(
    string Op, string Shape, Pass Pass, string Variant, string Type, Times Times, long Bytes, double Flops,
    IReadOnlyList<string> Launches, KernelUsage? Usage, double Occupancy, string? Baseline, Times? BaselineTimes)
{
    /// <summary>The row's name in files.</summary>
    public string Name => NameOf(Op, Shape, Pass, Variant, Type);

    /// <summary>The name of a row.</summary>
    public static string NameOf(string op, string shape, Pass pass, string variant, string type) =>
        $"{op} {shape} {pass.ToString().ToLowerInvariant()} {variant} {type}";

    /// <summary>Bytes per second.</summary>
    public double BytesPerSecond => Bytes / Times.Median;

    /// <summary>Operations per second.</summary>
    public double FlopsPerSecond => Flops / Times.Median;

    /// <summary>Arithmetic intensity: operations per byte.</summary>
    public double Intensity => Flops / Bytes;

    /// <summary>The least time that the ceilings allow, over the measured time: 1 is the machine's limit.</summary>
    public double ShareOf(Ceilings ceilings) => Math.Max(Bytes / ceilings.BytesPerSecond, Flops / ceilings.FlopsPerSecond) / Times.Median;

    /// <summary>The baseline's time over this row's: above 1 this row is faster.</summary>
    public double? Speedup => BaselineTimes is null ? null : BaselineTimes.Median / Times.Median;
}
